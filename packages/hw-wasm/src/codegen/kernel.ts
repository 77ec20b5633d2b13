import type { Operation, Phase, Program, Values } from '@regrain/core-ir';
import type { Segment } from '../layout/segment.js';
import type { View } from '../layout/view.js';
import type { KernelKind } from '../program.js';
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

export interface Selected {
  readonly kind: KernelKind;
  /** Equal keys: one function. */
  readonly key: string;
  readonly write: WriteKernel;
  /** Parameters of the kernel's own, after the bases. */
  readonly extra: readonly number[];
  /** Bytes that it works in, which nothing outlives; their address is one more parameter, the last. */
  readonly scratch?: number;
}

export interface SelectContext {
  readonly program: Program;
  readonly segment: Segment;
  valuesOf(tensor: number): Values;
  readonly generic: boolean;
  /** Floats need not be the same to the last bit by every decomposition. */
  readonly fast: boolean;
}

/** All that a kernel's code depends on. */
export function keyOf({ operation, shapes, operands, accumulator, phase }: KernelShape): string {
  const maps = operation.operands.map(({ map, mode, outside }) => ({ map, mode, outside }));
  const views = operands.map((operand) => operand && (operand.kind === 'view' ? operand.view.key : operand.value));
  return JSON.stringify([operation.domain, maps, operation.body, shapes, views, accumulator?.view.key, phase]);
}
