import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Box, overlaps } from '../ir/box.js';
import { RegionIndex } from './region-index.js';

const interval = fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 1, max: 4 })).map(([lo, size]) => [lo, lo + size] as const);
const boxes = (rank: number) => fc.array(fc.array(interval, { minLength: rank, maxLength: rank }), { minLength: 1, maxLength: 20 });

it('finds what a scan of all regions finds', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 3 }).chain((rank) => fc.tuple(boxes(rank), boxes(rank))),
      ([regions, queries]) => {
        const ids = regions.map((_, k) => 100 + k);
        const index = new RegionIndex(ids, regions);
        for (const query of queries) {
          expect(index.touched(query).sort()).toEqual(ids.filter((_, k) => overlaps(regions[k], query)));
        }
      },
    ),
  );
});

it('finds the cells of a grid, holes included', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 1, max: 11 }), { maxLength: 4 }),
      fc.uniqueArray(fc.integer({ min: 1, max: 11 }), { maxLength: 4 }),
      fc.array(interval, { minLength: 2, maxLength: 2 }),
      fc.boolean(),
      (rows, columns, query, shrink) => {
        const edges = (cuts: number[]): number[] => [0, ...cuts.toSorted((a, b) => a - b), 12];
        const cells: Box[] = [];
        for (const [k, lo] of edges(rows).slice(0, -1).entries()) {
          for (const [j, left] of edges(columns).slice(0, -1).entries()) {
            const hi = edges(rows)[k + 1];
            cells.push([
              [lo, shrink && hi - lo > 1 ? hi - 1 : hi],
              [left, edges(columns)[j + 1]],
            ]);
          }
        }
        const index = new RegionIndex(
          cells.map((_, k) => k),
          cells,
        );
        expect(index.touched(query).sort((a, b) => a - b)).toEqual(cells.flatMap((cell, k) => (overlaps(cell, query) ? [k] : [])));
      },
    ),
  );
});
