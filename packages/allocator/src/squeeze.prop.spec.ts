import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lowestHeight, tightPackings } from './exact/spec-support.js';
import { groupsOf } from './groups.js';
import { type Placed, placeInOrder } from './place.js';
import { squeezed } from './squeeze.js';

const many = fc
  .array(tightPackings, { minLength: 1, maxLength: 4 })
  .map((list) => ({ ...list[0], buffers: list.flatMap((each) => each.buffers) }));
const work = { left: Number.POSITIVE_INFINITY };

describe('squeezed', () => {
  it('is a placement without overlap, no higher than the first', () => {
    let fitted = 0;
    fc.assert(
      fc.property(many, (packing) => {
        const { buffers } = packing;
        const groups = groupsOf(packing);
        const start = placeInOrder(packing, groups, groups, 'lowest', Number.POSITIVE_INFINITY) as Placed;
        const capacity = Math.ceil(start.height / 1.02);
        const { offsets, height } = squeezed({ ...packing, capacity }, groups, { order: groups, fit: 'lowest', start, work });
        expect(height).toBeLessThanOrEqual(start.height);
        expect(height).toBe(Math.max(...buffers.map(({ bytes }, b) => offsets[b] + bytes)));
        buffers.forEach((own, a) => {
          expect(offsets[a] % own.align).toBe(0);
          for (let b = 0; b < a; b++) {
            const meet = own.first <= buffers[b].last && buffers[b].first <= own.last;
            if (meet) expect(offsets[a] >= offsets[b] + buffers[b].bytes || offsets[b] >= offsets[a] + own.bytes).toBe(true);
          }
        });
        if (buffers.length < 8) expect(height).toBeGreaterThanOrEqual(lowestHeight(buffers));
        if (height <= capacity && capacity < start.height) fitted++;
      }),
      { numRuns: 300 },
    );
    expect(fitted).toBeGreaterThan(10);
  });

  it('leaves alone what fits, and what is far too high', () => {
    const buffers = [0, 1].map((first) => ({ bytes: 100, align: 1, first: 0, last: first }));
    const packing = { capacity: 300, buffers, near: [] };
    const groups = groupsOf(packing);
    const start = placeInOrder(packing, groups, groups, 'lowest', Number.POSITIVE_INFINITY) as Placed;
    expect(squeezed(packing, groups, { order: groups, fit: 'lowest', start, work })).toBe(start);
    expect(squeezed({ ...packing, capacity: 150 }, groups, { order: groups, fit: 'lowest', start, work })).toBe(start);
  });
});
