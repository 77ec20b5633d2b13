import type { Box } from '@regrain/core-ir';
import { selectContraction } from './contraction/select.js';
import { selectWinograd } from './contraction/winograd-select.js';
import { writeGeneric } from './generic.js';
import { type KernelShape, keyOf, type SelectContext, type Selected } from './kernel.js';
import { selectLanes } from './select-lanes.js';
import { selectSoftmax } from './softmax/select.js';

/** The fastest kind of kernel that can compute a task; undefined where none can. */
export function selectKernel(shape: KernelShape, context: SelectContext, box: Box): Selected | undefined {
  if (!shape.operation.body) return context.generic ? undefined : selectSoftmax(shape);
  const fast = context.generic
    ? undefined
    : (selectWinograd(shape, context, box) ?? selectContraction(shape, context, box) ?? selectLanes(shape, context, box));
  return fast ?? { kind: 'generic', key: `generic ${keyOf(shape)}`, write: writeGeneric(shape), extra: [] };
}
