import { type Buffer, type Context, type Packed, type Packing, seeded } from '@regrain/core-ir';
import { describe, expect, it } from 'vitest';
import { BestFitAllocator } from './best-fit.js';
import { loadBound } from './load.js';
import { SqueakyWheelAllocator } from './squeaky-wheel.js';

const context = { signal: new AbortController().signal, progress: () => {} } as unknown as Context;

/** Lives and bytes at random; list orders leave holes in them. */
function problem(seed: number, count: number): Packing {
  const random = seeded(seed);
  const buffers = Array.from({ length: count }, (): Buffer => {
    const first = Math.floor(random() * 40);
    return { bytes: 1 + Math.floor(random() * 30), align: 1, first, last: first + Math.floor(random() * 15) };
  });
  return { capacity: Number.POSITIVE_INFINITY, buffers, near: [] };
}

const squeak = (packing: Packing, rounds: number): Packed => new SqueakyWheelAllocator({ rounds }).place(packing, context);
const heightOf = (packed: Packed): number => (packed.ok ? packed.height : Number.NaN);

describe('squeaky-wheel', () => {
  const problems = Array.from({ length: 8 }, (_, k) => problem(k + 1, 60));

  it('is never above the order that it starts from, and mostly below', () => {
    const start = problems.map((each) => heightOf(squeak(each, 0)));
    const after = problems.map((each) => heightOf(squeak(each, 80)));
    after.forEach((height, k) => {
      expect(height).toBeLessThanOrEqual(start[k]);
      expect(height).toBeGreaterThanOrEqual(loadBound(problems[k]));
    });
    const higher = problems.filter((each, k) => start[k] > loadBound(each));
    expect(higher.length).toBeGreaterThan(4);
    expect(after.filter((height, k) => height < start[k]).length).toBeGreaterThan(higher.length / 2);
  });

  it('starts from the first order of best-fit', () => {
    for (const each of problems) expect(heightOf(squeak(each, 0))).toBe(heightOf(new BestFitAllocator({ orders: 1 }).place(each, context)));
  });

  it('gives a few that block many their place first', () => {
    // Rows that live long fill the bottom with gaps of their own size; the wide buffers meet all of them.
    const rows = Array.from({ length: 12 }, (_, k): Buffer => ({ bytes: 2, align: 1, first: k, last: k % 2 ? 40 : 22 }));
    const wide = [24, 27, 30].map((first): Buffer => ({ bytes: 12, align: 1, first, last: first + 3 }));
    const packing = { capacity: Number.POSITIVE_INFINITY, buffers: [...rows, ...wide], near: [] };
    expect(heightOf(squeak(packing, 80))).toBeLessThan(heightOf(squeak(packing, 0)));
  });
});
