import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Box } from '../ir/box.js';
import type { Decomposition } from '../ir/decomposition.js';
import type { Program } from '../ir/program.js';
import { RegionIndex } from './region-index.js';
import { readParts } from './seams.js';

const SHAPE = [2, 3, 4, 3];

/** Cuts of each dimension, a box, and an order of the dimensions. */
const reads = fc.record({
  cuts: fc.tuple(...SHAPE.map((extent) => fc.uniqueArray(fc.integer({ min: 1, max: extent - 1 }), { maxLength: 2 }))),
  box: fc.tuple(
    ...SHAPE.map((extent) =>
      fc.tuple(fc.nat(extent - 1), fc.nat(extent - 1)).map(([a, b]) => [Math.min(a, b), Math.max(a, b) + 1] as const),
    ),
  ),
  order: fc.constantFrom([], [0, 2, 3, 1], [3, 1, 0, 2]),
});

function boxesOf(cuts: readonly (readonly number[])[]): Box[] {
  return SHAPE.reduce<Box[]>(
    (boxes, extent, d) => {
      const at = [0, ...[...cuts[d]].sort((a, b) => a - b), extent];
      return boxes.flatMap((box) => at.slice(1).map((hi, k) => [...box, [at[k], hi] as const]));
    },
    [[]],
  );
}

/** Position of a point in a box that is stored densely. */
function address(point: readonly number[], box: Box, order: readonly number[]): number {
  return order.reduce((sum, d) => sum * (box[d][1] - box[d][0]) + point[d] - box[d][0], 0);
}

/** Element by element: what the read meets one after the other in what is stored densely but for its cuts. */
function byElement(boxes: readonly Box[], box: Box, order: readonly number[], whole: Box) {
  const points = order
    .reduce<number[][]>((all, d) => all.flatMap((p) => range(box[d]).map((x) => Object.assign([...p], { [d]: x }))), [SHAPE.map(() => 0)])
    .map((point) => {
      const region = boxes.findIndex((each) => each.every(([lo, hi], d) => lo <= point[d] && point[d] < hi));
      return { region, at: address(point, boxes[region], order), line: address(point, whole, order) };
    });
  const sizeOf = (region: number): number => boxes[region].reduce((product, [lo, hi]) => product * (hi - lo), 1);
  let lines = 0;
  let pieces = 0;
  const seams = new Map<string, number>();
  points.forEach((here, k) => {
    const before = points[k - 1];
    const sameLine = before !== undefined && before.line + 1 === here.line;
    if (!sameLine) lines++;
    if (sameLine && before.region === here.region && before.at + 1 === here.at) return;
    pieces++;
    if (sameLine && before.region !== here.region && here.at === 0 && before.at === sizeOf(before.region) - 1)
      seams.set(`${before.region} ${here.region}`, points.filter(({ region }) => region === here.region).length);
  });
  return { lines, pieces, seams };
}

/** As a whole, or block by block along the innermost dimension where that can take fewer runs. */
function expectedOf(boxes: readonly Box[], box: Box, order: readonly number[]) {
  const whole: Box = SHAPE.map((extent) => [0, extent]);
  const inner = order[order.length - 1];
  const together = byElement(boxes, box, order, whole);
  const blocks = [...new Map(boxes.map((each) => [String(each[inner]), each[inner]])).values()].filter(
    ([lo, hi]) => lo < box[inner][1] && box[inner][0] < hi,
  );
  const each = blocks.map((block) => {
    const part: Box = box.map(([lo, hi], d) => (d === inner ? [Math.max(lo, block[0]), Math.min(hi, block[1])] : [lo, hi]));
    return byElement(
      boxes,
      part,
      order,
      whole.map((extent, d) => (d === inner ? block : extent)),
    );
  });
  const sum = (of: (parts: (typeof each)[number]) => number): number => each.reduce((total, parts) => total + of(parts), 0);
  const lines = Math.min(
    together.lines,
    sum((parts) => parts.lines),
  );
  const apart = { pieces: sum(({ pieces }) => pieces), seams: new Map(each.flatMap(({ seams }) => [...seams])) };
  const { pieces, seams } = apart.pieces - apart.seams.size < together.pieces - together.seams.size ? apart : together;
  return { lines, pieces, seams };
}

function range([lo, hi]: readonly [number, number]): number[] {
  return Array.from({ length: hi - lo }, (_, k) => lo + k);
}

describe('readParts', () => {
  it('finds the lines, pieces and seams that reading element by element finds', () => {
    fc.assert(
      fc.property(reads, ({ cuts, box, order }) => {
        const boxes = boxesOf(cuts);
        const program = { tensors: [{ name: 'x', shape: SHAPE, dtype: 'int8', kind: 'input' }] } as unknown as Program;
        const work = {
          instances: [{ tensor: 0, role: 'primary', dtype: 'int8', order }],
          regions: boxes.map((each) => ({ instance: 0, box: each, bytes: 0 })),
        } as unknown as Decomposition;
        const index = new RegionIndex([...boxes.keys()], boxes);
        const { lines, pieces, seams } = readParts(program, work, index, { operand: 0, instance: 0, box, mode: 'read' });
        const expected = expectedOf(boxes, box, order.length > 0 ? order : [0, 1, 2, 3]);
        expect({ lines, pieces }).toEqual({ lines: expected.lines, pieces: expected.pieces });
        expect(new Map(seams.map(([a, b, bytes]) => [`${a} ${b}`, bytes]))).toEqual(expected.seams);
      }),
      { numRuns: 500 },
    );
  });
});
