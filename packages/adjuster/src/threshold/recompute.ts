import { type Constraint, ELEMENT_BYTES, ownPlace, type Plan, volume } from '@regrain/core-ir';
import type { Estimator } from './estimate.js';
import type { Priced } from './rank.js';
import type { TensorMetrics } from './tensor-metrics.js';

/**
 * Recomputation of a tensor for a reader whose tasks read overlapping parts of it: instead of keeping the rows and columns of the halo
 * until their last reader, each task has a private copy. Proposed only where a `mac-factor` constraint leaves room for the extra
 * multiply-accumulates of the tensor's writers (those further up are not foreseen; execution decides).
 */
export function proposeRecompute(
  plan: Plan,
  measured: readonly TensorMetrics[],
  constraints: readonly Constraint[],
  estimator: Estimator,
): Priced[] {
  const { program, metrics, decomposition } = plan;
  const limit = constraints.reduce((least, c) => (c.kind === 'mac-factor' ? Math.min(least, c.max) : least), Number.POSITIVE_INFINITY);
  if (!Number.isFinite(limit) || limit <= 1) return [];
  const atLeast = program.operations.reduce((sum, { macs }) => sum + macs, 0);
  const needs = readerNeeds(plan);
  const found: Priced[] = [];
  for (const { tensor, regions, boxes, frequency } of measured) {
    if (program.tensors[tensor].kind !== 'computed' || regions.length < 2 || program.outputs.includes(tensor)) continue;
    const along = boxes[0].map((_, axis) => axis).filter((axis) => new Set(boxes.map((box) => box[axis][0])).size > 1);
    const cost = program.operations.reduce((sum, { operands, macs }) => {
      return sum + (operands.some((operand) => operand.tensor === tensor && operand.mode !== 'read') ? macs : 0);
    }, 0);
    program.operations.forEach(({ operands }, reader) => {
      if (!operands.some((operand) => operand.tensor === tensor && operand.mode === 'read')) return;
      const place = ownPlace(program, decomposition.grain, reader);
      if (decomposition.grain.recompute.some((entry) => entry.tensor === tensor && entry.reader === place)) return;
      const need = needs.get(`${tensor}/${reader}`);
      if (!need || need.times <= 1) return;
      const extra = cost * (need.times - 1);
      if (metrics.macs + extra > limit * atLeast) return;
      const gain = estimator.gainOfRecompute(regions, need.held, extra);
      const edits = () => [{ kind: 'recompute', tensor, reader, along } as const];
      found.push({ kind: 'recompute', tensors: [tensor], gain, moreTasks: 0, frequency, edits });
    });
  }
  return found;
}

/** Per tensor and reader: most bytes that one task needs at once, and how often the reader reads each byte. O(accesses). */
function readerNeeds({ decomposition, program }: Plan): Map<string, { held: number; times: number }> {
  const needs = new Map<string, { held: number; times: number }>();
  for (const { operation, accesses } of decomposition.tasks) {
    for (const { instance, box, mode } of accesses) {
      if (mode !== 'read') continue;
      const { tensor } = decomposition.instances[instance];
      const { shape, dtype } = program.tensors[tensor];
      const key = `${tensor}/${operation}`;
      const need = needs.get(key) ?? { held: 0, times: 0 };
      const elements = volume(box);
      need.held = Math.max(need.held, elements * ELEMENT_BYTES[dtype]);
      need.times += elements / shape.reduce((product, extent) => product * extent, 1);
      needs.set(key, need);
    }
  }
  return needs;
}
