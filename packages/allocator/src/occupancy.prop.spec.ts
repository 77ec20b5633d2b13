import { packings } from '@regrain/testkit/arbitraries';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Group, groupsOf } from './groups.js';
import { Occupancy } from './occupancy.js';

const HEIGHT = 24;

/** Whether the group may lie at the offset, by looking at every piece. */
function isFree(group: Group, offset: number, others: ReadonlyMap<Group, number>): boolean {
  return group.pieces.every((own) =>
    [...others].every(([other, base]) =>
      other.pieces.every(
        (piece) =>
          own.bytes === 0 ||
          piece.bytes === 0 ||
          own.first > piece.last ||
          piece.first > own.last ||
          offset + own.at + own.bytes <= base + piece.at ||
          base + piece.at + piece.bytes <= offset + own.at,
      ),
    ),
  );
}

describe('occupancy', () => {
  it('knows all free places, whatever was put where', () => {
    fc.assert(
      fc.property(packings(12), fc.array(fc.nat(HEIGHT), { minLength: 12, maxLength: 12 }), (packing, offsets) => {
        const groups = groupsOf(packing);
        const [asked, ...put] = groups;
        const occupancy = new Occupancy(groups, packing.buffers.length);
        const others = new Map(put.map((group, k) => [group, offsets[k]]));
        for (const [group, offset] of others) occupancy.add(group, offset);
        const free = new Set<number>();
        occupancy.free(asked, (at, end) => {
          for (let offset = at; offset <= Math.min(end, 2 * HEIGHT); offset += asked.align) free.add(offset);
          return true;
        });
        for (let offset = 0; offset <= 2 * HEIGHT; offset++) {
          const expected = isFree(asked, offset, others);
          expect(occupancy.isFree(asked, offset)).toBe(expected);
          if (offset % asked.align === 0) expect(free.has(offset)).toBe(expected);
        }
        for (const group of put)
          for (const { buffer, at } of group.pieces) expect(occupancy.offsetOf(buffer)).toBe(others.get(group)! + at);
      }),
      { numRuns: 300 },
    );
  });

  it('finds the same places where it is told that none is asked for twice', () => {
    fc.assert(
      fc.property(packings(12), fc.func(fc.boolean()), (packing, tight) => {
        const groups = groupsOf(packing);
        const work = { left: Number.POSITIVE_INFINITY };
        const once = new Occupancy(groups, packing.buffers.length, work, true);
        const often = new Occupancy(groups, packing.buffers.length);
        for (const [k, group] of groups.entries()) {
          const placeOf = (occupancy: Occupancy): number => (tight(k) ? occupancy.tightestOf(group) : occupancy.lowestOf(group));
          const offset = placeOf(often);
          expect(placeOf(once)).toBe(offset);
          once.add(group, offset);
          often.add(group, offset);
        }
      }),
      { numRuns: 300 },
    );
  });
});
