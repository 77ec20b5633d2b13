import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BoxLookup, shared } from './geometry.js';

const side = fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 1, max: 4 })).map(([lo, size]) => [lo, lo + size] as const);
const boxes = (rank: number) => fc.array(fc.array(side, { minLength: rank, maxLength: rank }), { minLength: 1, maxLength: 20 });

it('finds what a scan of all boxes finds, each once', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 3 }).chain((rank) => fc.tuple(boxes(rank), boxes(rank))),
      ([members, queries]) => {
        const lookup = new BoxLookup(members);
        for (const query of queries) {
          const found: number[] = [];
          lookup.visit(query, (k) => found.push(k));
          expect(found.sort((a, b) => a - b)).toEqual(members.flatMap((box, k) => (shared(box, query) > 0 ? [k] : [])));
        }
      },
    ),
  );
});
