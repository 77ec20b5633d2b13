import type { Program, Values } from '@regrain/core-ir';
import type { Segment } from '../layout/segment.js';
import type { KernelKind } from '../program.js';
import { writeGeneric } from './generic.js';
import type { KernelShape, WriteKernel } from './kernel.js';

export interface Selected {
  readonly kind: KernelKind;
  /** Equal keys: one function. */
  readonly key: string;
  readonly write: WriteKernel;
  /** Parameters of the kernel's own, after the bases. */
  readonly extra: readonly number[];
}

export interface SelectContext {
  readonly program: Program;
  readonly segment: Segment;
  valuesOf(tensor: number): Values;
  readonly generic: boolean;
}

/** The fastest kind of kernel that can compute a task. */
export function selectKernel(shape: KernelShape, _context: SelectContext): Selected {
  return { kind: 'generic', key: `generic ${keyOf(shape)}`, write: writeGeneric(shape), extra: [] };
}

/** All that a kernel's code depends on. */
export function keyOf({ operation, shapes, operands, accumulator, phase }: KernelShape): string {
  const maps = operation.operands.map(({ map, mode, outside }) => ({ map, mode, outside }));
  const views = operands.map((operand) => operand && (operand.kind === 'view' ? operand.view.key : operand.value));
  return JSON.stringify([operation.domain, maps, operation.body, shapes, views, accumulator?.view.key, phase]);
}
