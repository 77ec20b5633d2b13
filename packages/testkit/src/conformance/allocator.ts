import type { Allocator, Packed, Packing } from '@regrain/core-ir';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { packings } from '../arbitraries/index.js';
import { testContext } from './context.js';

/** The most bytes that live at one time: no packing can be lower. Tied buffers share theirs. */
function loadBound({ buffers }: Packing): number {
  let most = 0;
  for (const { first } of buffers) {
    const live = buffers.filter((buffer) => buffer.first <= first && first <= buffer.last);
    most = Math.max(
      most,
      live.reduce((sum, { bytes, with: tie }) => (tie && live.includes(buffers[tie.buffer]) ? sum : sum + bytes), 0),
    );
  }
  return most;
}

function expectValid(problem: Packing, packed: Packed): void {
  if (!packed.ok) {
    expect(problem.capacity).toBeLessThan(Number.POSITIVE_INFINITY);
    expect(packed.required).toBeGreaterThan(problem.capacity);
    return;
  }
  const { offsets, height } = packed;
  expect(offsets).toHaveLength(problem.buffers.length);
  problem.buffers.forEach((a, i) => {
    expect(Number.isSafeInteger(offsets[i]) && offsets[i] >= 0).toBe(true);
    expect(offsets[i] + a.bytes).toBeLessThanOrEqual(height);
    if (a.fixed !== undefined) expect(offsets[i]).toBe(a.fixed);
    else if (!a.with) expect(offsets[i] % a.align).toBe(0);
    if (a.with) expect(offsets[i]).toBe(offsets[a.with.buffer] + a.with.delta);
    problem.buffers.forEach((b, j) => {
      const tied = a.with?.buffer === j || b.with?.buffer === i;
      if (j <= i || tied || a.last < b.first || b.last < a.first) return;
      expect(offsets[i] + a.bytes <= offsets[j] || offsets[j] + b.bytes <= offsets[i], `buffers ${i} and ${j} overlap`).toBe(true);
    });
  });
  expect(height).toBeLessThanOrEqual(problem.capacity);
  expect(height).toBeGreaterThanOrEqual(loadBound(problem));
}

export function allocatorSuite(make: () => Allocator): void {
  it('packs without overlap, aligned, with fixed and tied buffers where they must be', async () => {
    await fc.assert(
      fc.asyncProperty(packings(), async (problem) => {
        const packed = await make().place(problem, testContext());
        expect(packed.ok).toBe(true);
        expectValid(problem, packed);
      }),
      { numRuns: 150 },
    );
  });

  it('stays within the capacity or says that it cannot', async () => {
    await fc.assert(
      fc.asyncProperty(packings(), fc.integer({ min: 0, max: 128 }), async (open, more) => {
        const capacity = loadBound(open) + more;
        const fits = open.buffers.every(({ fixed, bytes }) => fixed === undefined || fixed + bytes <= capacity);
        if (!fits) return;
        expectValid({ ...open, capacity }, await make().place({ ...open, capacity }, testContext()));
      }),
      { numRuns: 100 },
    );
  });

  it('rejects what cannot fit, with the bytes that it would take', async () => {
    const buffers = [0, 1].map(() => ({ bytes: 64, align: 1, first: 0, last: 3 }));
    const packed = await make().place({ capacity: 100, buffers, near: [] }, testContext());
    expect(packed.ok).toBe(false);
    if (!packed.ok) expect(packed.required).toBeGreaterThanOrEqual(128);
  });

  it('gives the same packing for the same problem', async () => {
    await fc.assert(
      fc.asyncProperty(packings(), async (problem) => {
        expect(await make().place(problem, testContext())).toEqual(await make().place(problem, testContext()));
      }),
      { numRuns: 50 },
    );
  });
}
