import { type Box, boxOf, editAll, type Program, volume, wholeTensorGrain } from '@regrain/core-ir';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeRegions, splitRegions } from './batches.js';

/** A tensor cut into a grid at random places. */
const grids = fc
  .record({
    rows: fc.uniqueArray(fc.integer({ min: 1, max: 19 }), { maxLength: 6 }),
    columns: fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 3 }),
  })
  .map(({ rows, columns }) => {
    const along = (cuts: number[], extent: number) => {
      const all = [0, ...cuts.sort((a, b) => a - b), extent];
      return all.slice(1).map((hi, k) => [all[k], hi] as const);
    };
    return along(rows, 20).flatMap((row) => along(columns, 10).map((column): Box => [row, column]));
  });

const program: Program = {
  name: 'one',
  tensors: [{ name: 't', shape: [20, 10], dtype: 'int8', kind: 'computed' }],
  operations: [],
  outputs: [0],
  states: [],
};

function regionsAfter(boxes: readonly Box[], edits: Parameters<typeof editAll>[2]): readonly Box[] {
  const [regions] = editAll(program, { ...wholeTensorGrain(program), regions: [boxes] }, edits).regions;
  return regions.length > 0 ? regions : [boxOf([20, 10])];
}

describe('batches', () => {
  it('split into regions that still tile the tensor, none thicker than its share', () => {
    fc.assert(
      fc.property(grids, fc.nat(1), fc.integer({ min: 2, max: 5 }), (boxes, axis, parts) => {
        const { edits: make, groups, count } = splitRegions(0, boxes, axis, parts);
        const edits = make();
        expect(edits.length).toBe(count);
        const after = regionsAfter(boxes, edits);
        expect(after.length).toBe(boxes.length + edits.length);
        expect(after.reduce((sum, box) => sum + volume(box), 0)).toBe(200);
        expect(groups.length).toBe(boxes.filter((box) => box[axis][1] - box[axis][0] > 1).length);
        const thickest = Math.max(...boxes.map((box) => box[axis][1] - box[axis][0]));
        for (const box of after) expect(box[axis][1] - box[axis][0]).toBeLessThanOrEqual(Math.ceil(thickest / Math.min(parts, thickest)));
      }),
    );
  });

  it('merge runs of regions; merging all along both axes gives the whole tensor', () => {
    fc.assert(
      fc.property(grids, fc.nat(1), fc.integer({ min: 2, max: 5 }), (boxes, axis, length) => {
        const { edits: make, groups, count } = mergeRegions(0, boxes, axis, length);
        const edits = make();
        expect(edits.length).toBe(count);
        const after = regionsAfter(boxes, edits);
        expect(after.length).toBe(boxes.length - edits.length);
        expect(groups.reduce((sum, group) => sum + group.length - 1, 0)).toBe(edits.length);
        const lines = regionsAfter(boxes, mergeRegions(0, boxes, 0, 100).edits());
        expect(regionsAfter(lines, mergeRegions(0, lines, 1, 100).edits())).toEqual([boxOf([20, 10])]);
      }),
    );
  });
});
