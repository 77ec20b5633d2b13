import { packings } from '@regrain/testkit/arbitraries';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { groupsOf } from '../groups.js';
import { Layout } from './layout.js';

/** Few places, all of which are looked at; and more than that. */
const CAPS = [48, 40_000];

const layouts = fc
  .tuple(
    packings(10),
    fc.array(fc.nat(40), { minLength: 10, maxLength: 10 }),
    fc.array(fc.constantFrom(1, 5, 9, Number.POSITIVE_INFINITY), { minLength: 10, maxLength: 10 }),
    fc.array(fc.tuple(fc.nat(9), fc.integer({ min: -20, max: 20 }), fc.integer({ min: 1, max: 9 })), { maxLength: 4 }),
    fc.constantFrom(...CAPS),
  )
  .filter(([packing]) => packing.buffers[0].fixed === undefined);

describe('the cheapest place of a group', () => {
  it('is the lowest of those whose cost is the least, by looking at all', () => {
    fc.assert(
      fc.property(layouts, ([packing, at, weights, wishes, cap]) => {
        const groups = groupsOf(packing);
        fc.pre(groups[0].fixed === undefined);
        const offsets = Float64Array.from(groups, (_, g) => (g === 0 ? Number.NaN : at[g]));
        const followers = groups.map((_, g) =>
          g > 0
            ? []
            : wishes.filter(([group]) => group > 0 && group < groups.length).map(([group, delta, worth]) => ({ group, delta, worth })),
        );
        const layout = new Layout(groups, followers, offsets, cap, { left: Number.POSITIVE_INFINITY });
        const found = layout.cheapest(0, (other) => weights[other], true);
        const { align, bytes } = groups[0];
        let least = Number.POSITIVE_INFINITY;
        let best: number | undefined;
        for (let offset = 0; offset + bytes <= Math.min(cap, 200); offset += align) {
          let cost = 0;
          for (const own of groups[0].pieces) {
            groups.forEach(({ pieces }, other) => {
              for (const theirs of other === 0 ? [] : pieces) {
                const meet = own.first <= theirs.last && theirs.first <= own.last && own.bytes > 0 && theirs.bytes > 0;
                const begin = offsets[other] + theirs.at;
                if (meet && offset + own.at < begin + theirs.bytes && begin < offset + own.at + own.bytes) cost += weights[other];
              }
            });
          }
          for (const { group, delta, worth } of followers[0]) if (offset + delta === offsets[group]) cost -= worth;
          if (cost < least) [least, best] = [cost, offset];
        }
        expect(found?.at).toBe(best);
        if (found) expect(found.others).toEqual(layout.inTheWay(0, found.at).sort((a, b) => a - b));
      }),
      { numRuns: 300 },
    );
  });
});
