import { type Buffer, type Context, type Packing, seeded } from '@regrain/core-ir';
import { packings } from '@regrain/testkit/arbitraries';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BestFitAllocator } from '../best-fit.js';
import { ExactAllocator } from '../exact.js';
import { HillClimbAllocator } from '../hill-climb.js';
import { SqueakyWheelAllocator } from '../squeaky-wheel.js';
import { contiguousBytes } from './wishes.js';

const contextOf = (): Context => ({ random: seeded(1), signal: new AbortController().signal, progress: () => {} }) as unknown as Context;

const ALLOCATORS = {
  'best-fit': new BestFitAllocator({ orders: 8 }),
  exact: new ExactAllocator({ nodes: 2000, seconds: 60 }),
  'hill-climb': new HillClimbAllocator({ iterations: 20, temperature: 0.02 }),
  'squeaky-wheel': new SqueakyWheelAllocator({ rounds: 5 }),
};

const wishing = fc
  .tuple(
    packings(10),
    fc.array(fc.tuple(fc.nat(9), fc.nat(9), fc.integer({ min: 1, max: 100 })), { maxLength: 12 }),
    fc.constantFrom(0, 0.1, 1),
  )
  .map(([packing, near, slack]): Packing => {
    const there = near.filter(([a, b]) => a !== b && a < packing.buffers.length && b < packing.buffers.length);
    return { ...packing, near: [...new Map(there.map((wish) => [`${wish[0]} ${wish[1]}`, wish])).values()], slack };
  });

/** Buffers that share bytes while both live, and are not tied. */
function clashes({ buffers }: Packing, offsets: ArrayLike<number>): [number, number][] {
  const found: [number, number][] = [];
  buffers.forEach((b, y) => {
    for (let x = 0; x < y; x++) {
      const a = buffers[x];
      const meet = a.first <= b.last && b.first <= a.last;
      if (meet && b.with?.buffer !== x && offsets[x] < offsets[y] + b.bytes && offsets[y] < offsets[x] + a.bytes) found.push([x, y]);
    }
  });
  return found;
}

describe.each(Object.entries(ALLOCATORS))('wishes of adjacency, %s', (_, allocator) => {
  it('meets no fewer than without, no higher than allowed, and places as it must', () => {
    fc.assert(
      fc.property(wishing, (packing) => {
        const plain = allocator.place({ ...packing, near: [] }, contextOf());
        const found = allocator.place(packing, contextOf());
        if (!found.ok || !plain.ok) throw new Error('there is no capacity to fail at');
        expect(clashes(packing, found.offsets)).toEqual([]);
        packing.buffers.forEach(({ align, fixed, with: tie }, b) => {
          expect(found.offsets[b] % align).toBe(0);
          if (fixed !== undefined) expect(found.offsets[b]).toBe(fixed);
          if (tie) expect(found.offsets[b]).toBe(found.offsets[tie.buffer] + tie.delta);
        });
        expect(found.height).toBe(Math.max(...packing.buffers.map(({ bytes }, b) => found.offsets[b] + bytes)));
        expect(found.height).toBeLessThanOrEqual(plain.height * (1 + (packing.slack ?? 0)));
        expect(contiguousBytes(packing, found.offsets)).toBeGreaterThanOrEqual(contiguousBytes(packing, plain.offsets));
      }),
      { numRuns: 150 },
    );
  });
});

describe('a streamed map in tiles', () => {
  /** Rows of tiles, one made at each time; each lives until the tile below and to the right of it is made. */
  const TILES = 20;
  const buffers = Array.from({ length: 10 * TILES }, (__, t): Buffer => ({ bytes: 16, align: 16, first: t, last: t + TILES + 1 }));
  const near = buffers.slice(1).map((___, t) => [t, t + 1, 16] as const);

  it('goes round in the space of two more tiles than live at once', () => {
    const packing: Packing = { capacity: Number.POSITIVE_INFINITY, buffers, near, slack: 0.1 };
    const found = ALLOCATORS['best-fit'].place(packing, contextOf());
    expect(found).toMatchObject({ ok: true });
    if (!found.ok) return;
    expect(clashes(packing, found.offsets)).toEqual([]);
    expect(contiguousBytes(packing, found.offsets) / (16 * near.length)).toBeGreaterThan(0.95);
    expect(found.height).toBeLessThanOrEqual(16 * (TILES + 4));
  });
});
