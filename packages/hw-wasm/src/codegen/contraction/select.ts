import { type Box, ELEMENT_BYTES } from '@regrain/core-ir';
import { type KernelShape, keyOf, type SelectContext, type Selected } from '../kernel.js';
import { leaves, outsideVector } from '../operand-access.js';
import { ContractionKernel } from './kernel.js';
import { MOST_POINTS } from './panel.js';
import { type Contraction, type ContractionExtras, contractionOf } from './plan.js';
import { packWeights } from './weights.js';

export function selectContraction(shape: KernelShape, context: SelectContext, box: Box): Selected | undefined {
  const extra: number[] = [];
  const plan = contractionOf(shape, context, box, extra, 16);
  if (!plan) return undefined;
  const { segment } = context;
  const { operation } = shape;
  const { tensor, map } = operation.operands[plan.b];
  const extents = operation.domain.map(({ extent }) => extent);
  const { n, r, taps, phases, panel, step, integer, zeroA, zeroB } = plan;
  const packing = { n, r, taps, phases, panel, step, integer, zeroA, zeroB };
  const key = `weights ${tensor} ${JSON.stringify([map, extents, packing])}`;
  const weights = extra.push(segment.once(key, () => segment.put(packWeights(context.valuesOf(tensor), map, extents, packing)))) - 1;
  const outside = outsideOf(shape, context, plan, extra);
  const extras: ContractionExtras = { weights, ...(outside === undefined ? {} : { outside }), extras: extra.length };
  return {
    kind: 'contraction',
    key: `contraction ${JSON.stringify([plan, extras])} ${keyOf(shape)}`,
    write: (fn, imports) => new ContractionKernel(shape, plan, extras, fn, imports).write(),
    extra,
  };
}

/** A row of what stands for padding, as long as a tile's terms reach; undefined where nothing is read outside the tensor. */
export function outsideOf(shape: KernelShape, context: SelectContext, plan: Contraction, extra: number[]): number | undefined {
  const { operation, operands } = shape;
  const left = operands[plan.a];
  const value = operation.operands[plan.a].outside;
  if (value === undefined || left?.kind !== 'view' || !leaves(shape, plan.a)) return undefined;
  const terms = operation.domain[plan.r].extent;
  const row = plan.joined ? operation.domain[plan.joined.d].extent * terms * plan.joined.stride : terms * plan.strideR;
  const bytes = Math.max(row, ELEMENT_BYTES[left.view.dtype]) + (MOST_POINTS - 1) * (plan.shared ?? 0) + 16;
  return extra.push(outsideVector(context, left.view.dtype, value, bytes)) - 1;
}
