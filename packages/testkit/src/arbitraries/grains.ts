import { type Box, type Grain, type Program, type Recompute, type Reduce, wholeTensorGrain } from '@regrain/core-ir';
import fc from 'fast-check';

/** Disjoint boxes that cover a shape, cut again and again in two (so that they need not form a grid); never along `whole`. */
export function partitions(shape: readonly number[], cuts = 3, whole: readonly number[] = []): fc.Arbitrary<readonly Box[]> {
  return fc.array(fc.record({ piece: fc.nat(7), axis: fc.nat(3), at: fc.nat(7) }), { maxLength: cuts }).map((picks) => {
    const boxes: Box[] = [shape.map((extent) => [0, extent] as const)];
    for (const { piece, axis, at } of picks) {
      const k = piece % boxes.length;
      const box = boxes[k];
      const d = axis % shape.length;
      const [lo, hi] = box[d];
      if (hi - lo < 2 || whole.includes(d)) continue;
      const cut = lo + 1 + (at % (hi - lo - 1));
      const part = (from: number, to: number): Box => box.map((side, e) => (e === d ? ([from, to] as const) : side));
      boxes.splice(k, 1, part(lo, cut), part(cut, hi));
    }
    return boxes.length > 1 ? boxes : [];
  });
}

/** Dimensions that a point of the producer's domain writes more than one element of: nothing can be computed of them by parts. */
function wholeDimensions({ operations }: Program, tensor: number): number[] {
  return operations.flatMap(({ operands }) =>
    operands.flatMap(({ tensor: written, mode, map }) =>
      mode === 'read' || written !== tensor ? [] : map.flatMap((range, d) => (range === 'all' || (range.size ?? 1) > 1 ? [d] : [])),
    ),
  );
}

/** Random grains of a program: regions, storage orders, halos to recompute, reductions to split; tasks follow their owners. */
export function grains(program: Program): fc.Arbitrary<Grain> {
  const edges: Recompute[] = program.operations.flatMap(({ operands }, reader) =>
    operands.flatMap(({ tensor, mode }) =>
      mode === 'read' && program.tensors[tensor].kind === 'computed' && wholeDimensions(program, tensor).length === 0
        ? [[0], [1], [0, 1]].map((along) => ({ tensor, reader, along }))
        : [],
    ),
  );
  const axes: Reduce[] = program.operations.flatMap(({ domain, body }, operation) =>
    domain.flatMap(({ kind }, axis) => (kind === 'reduction' && body ? [2, 3].map((parts) => ({ operation, axis, parts })) : [])),
  );
  return fc
    .record({
      regions: fc.tuple(
        ...program.tensors.map(({ shape, kind }, t) =>
          kind === 'constant' ? fc.constant([]) : partitions(shape, 3, wholeDimensions(program, t)),
        ),
      ),
      order: fc.tuple(...program.tensors.map(() => fc.constantFrom([], [], [1, 0]))),
      recompute: fc.subarray(edges, { maxLength: Math.min(2, edges.length) }),
      reduce: fc.subarray(axes, { maxLength: Math.min(2, axes.length) }),
    })
    .map(({ regions, order, recompute, reduce }) => ({
      ...wholeTensorGrain(program),
      regions,
      order,
      recompute: recompute.filter(
        (entry, k) => recompute.findIndex(({ tensor, reader }) => tensor === entry.tensor && reader === entry.reader) === k,
      ),
      // A reader whose reduction is split reads by parts, and so shares what its whole task would have recomputed.
      reduce: reduce.filter(
        (entry, k) =>
          !recompute.some(({ reader }) => reader === entry.operation) &&
          reduce.findIndex(({ operation }) => operation === entry.operation) === k,
      ),
    }));
}
