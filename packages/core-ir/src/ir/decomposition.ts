import type { Box } from './box.js';
import type { Grain } from './grain.js';
import type { Mode } from './program.js';
import type { DType } from './tensor.js';

/** One storage of a tensor's values. Hazards exist only within an instance; replicas hold equal values in other bytes. */
export interface Instance {
  readonly tensor: number;
  readonly role: 'primary' | 'replica' | 'accumulator';
  readonly dtype: DType;
  /** Dimensions, outermost first; `[]` = as they are. */
  readonly order: readonly number[];
}

/**
 * Stored, tracked and moved as one object; dense in its instance's order. Stored regions of one instance are disjoint; of one tensor
 * they may overlap (replicas). In a trace, whose storage is given, tracked regions of one instance may overlap: they share bytes.
 */
export interface Region {
  readonly instance: number;
  readonly box: Box;
  readonly bytes: number;
}

/** Any box; it covers parts of one or several regions. What the index map gives, clipped to the tensor. */
export interface Access {
  /** Position in the operation's operands; -1 for an accumulator. */
  readonly operand: number;
  readonly instance: number;
  readonly box: Box;
  readonly mode: Mode;
}

/**
 * An operation restricted to a box of its domain. `phase` only where a reduction is split: `init` writes the accumulator's first
 * value, `step` accumulates one part, `finish` reads the accumulator and writes the result (the reduction axis of its box is empty
 * for both ends: `[0, 0)`).
 */
export interface Task {
  readonly operation: number;
  readonly box: Box;
  readonly accesses: readonly Access[];
  readonly phase?: 'init' | 'step' | 'finish';
  /** Which of the grain's copies it belongs to; absent: the operation's own run. */
  readonly copy?: number;
}

/** Constants have instances and regions too (of one piece, unless the grain splits them); they are stored apart and never placed. */
export interface Decomposition {
  readonly grain: Grain;
  readonly instances: readonly Instance[];
  readonly regions: readonly Region[];
  /** In a legal order: the program's, operation by operation, with copies where the grain puts them. */
  readonly tasks: readonly Task[];
}
