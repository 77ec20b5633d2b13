import type { Box, Program, Values } from '@regrain/core-ir';
import type { Segment } from '../layout/segment.js';
import type { KernelKind } from '../program.js';
import { selectContraction } from './contraction.js';
import { writeGeneric } from './generic.js';
import type { KernelShape, WriteKernel } from './kernel.js';
import { selectLanes } from './lane-kernel.js';

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
export function selectKernel(shape: KernelShape, context: SelectContext, box: Box): Selected {
  const fast = context.generic ? undefined : (selectContraction(shape, context, box) ?? selectLanes(shape, context));
  return fast ?? { kind: 'generic', key: `generic ${keyOf(shape)}`, write: writeGeneric(shape), extra: [] };
}

/** All that a kernel's code depends on. */
export function keyOf({ operation, shapes, operands, accumulator, phase }: KernelShape): string {
  const maps = operation.operands.map(({ map, mode, outside }) => ({ map, mode, outside }));
  const views = operands.map((operand) => operand && (operand.kind === 'view' ? operand.view.key : operand.value));
  return JSON.stringify([operation.domain, maps, operation.body, shapes, views, accumulator?.view.key, phase]);
}
