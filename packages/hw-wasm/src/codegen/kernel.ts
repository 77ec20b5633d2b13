import type { Operation, Phase } from '@regrain/core-ir';
import type { View } from '../layout/view.js';
import type { FunctionBuilder } from './function-builder.js';
import type { Imports } from './imports.js';

/** What a kernel knows of an operand. */
export type OperandCode =
  /** A tensor in memory; its base is the k-th parameter after the box (see `Parameters`). */
  | { readonly kind: 'view'; readonly view: View; readonly parameter: number }
  /** A constant that has one value everywhere. */
  | { readonly kind: 'splat'; readonly value: number };

/** The operation, its operands and phase: all that kernels of one function share. */
export interface KernelShape {
  readonly operation: Operation;
  /** Shapes of the operands' tensors. */
  readonly shapes: readonly (readonly number[])[];
  readonly operands: readonly (OperandCode | undefined)[];
  readonly accumulator?: Extract<OperandCode, { kind: 'view' }>;
  readonly phase: Phase;
}

/**
 * Writes one function of a module. Its one argument is the address of a task's descriptor: `lo` and `hi` of each dimension of the
 * domain, then a base for each operand in memory, then what the kind of kernel needs of its own, all 32-bit.
 */
export type WriteKernel = (fn: FunctionBuilder, imports: Imports) => void;
