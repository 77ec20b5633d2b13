import { type Buffer, type Context, type Packed, type Packing, seeded } from '@regrain/core-ir';
import { describe, expect, it } from 'vitest';
import { GreedyBySizeAllocator } from './greedy-by-size.js';
import { HillClimbAllocator } from './hill-climb.js';
import { loadBound } from './load.js';

function context(seed: number): Context {
  return { random: seeded(seed), signal: new AbortController().signal, progress: () => undefined } as unknown as Context;
}

/** Lives and bytes at random; list orders leave holes in them. */
function problem(seed: number, count: number): Packing {
  const random = seeded(seed);
  const buffers = Array.from({ length: count }, (): Buffer => {
    const first = Math.floor(random() * 40);
    return { bytes: 1 + Math.floor(random() * 30), align: 1, first, last: first + Math.floor(random() * 15) };
  });
  return { capacity: Number.POSITIVE_INFINITY, buffers, near: [] };
}

const climb = (packing: Packing, seed: number, iterations: number): Packed =>
  new HillClimbAllocator({ iterations, temperature: 0.02 }).place(packing, context(seed));

const heightOf = (packed: Packed): number => (packed.ok ? packed.height : Number.NaN);

describe('hill-climb', () => {
  const problems = Array.from({ length: 8 }, (_, k) => problem(k + 1, 60));

  it('is never above the order by size that it starts from, and mostly below', () => {
    const start = problems.map((each) => heightOf(climb(each, 1, 0)));
    const after = problems.map((each) => heightOf(climb(each, 1, 500)));
    after.forEach((height, k) => {
      expect(height).toBeLessThanOrEqual(start[k]);
      expect(height).toBeGreaterThanOrEqual(loadBound(problems[k]));
    });
    const higher = problems.filter((each, k) => start[k] > loadBound(each));
    expect(higher.length).toBeGreaterThan(4);
    expect(after.filter((height, k) => height < start[k]).length).toBeGreaterThan(higher.length / 2);
  });

  it('gives the same for the same seed, and searches elsewhere for another', () => {
    const heights = (seed: number): number[] => problems.map((each) => heightOf(climb(each, seed, 60)));
    expect(heights(7)).toEqual(heights(7));
    expect(heights(7)).not.toEqual(heights(8));
  });

  it('does not beat greedy-by-size where that is at the load bound', () => {
    const buffers = [4, 3, 2].map((bytes): Buffer => ({ bytes, align: 1, first: 0, last: 1 }));
    const packing = { capacity: Number.POSITIVE_INFINITY, buffers, near: [] };
    expect(climb(packing, 1, 100)).toEqual(new GreedyBySizeAllocator().place(packing));
  });
});
