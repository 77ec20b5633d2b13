import type { Context } from '@regrain/core-ir';
import { packings } from '@regrain/testkit/arbitraries';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { givenPackings, lowestHeight, tiedPackings, tightPackings } from './exact/spec-support.js';
import { ExactAllocator } from './exact.js';
import { loadBound } from './load.js';

const context = { signal: new AbortController().signal, progress: () => undefined } as unknown as Context;
const exact = new ExactAllocator({ nodes: 1_000_000, seconds: 100 });

describe('exact', () => {
  it.each([
    ['tight problems', tightPackings, 300],
    ['alignment, given offsets and ties', packings(7), 200],
    ['ties of different bytes', tiedPackings, 200],
    ['aligned buffers among given ones', givenPackings, 300],
  ])('gives the lowest height there is and says so: %s', (_, problems, numRuns) => {
    fc.assert(
      fc.property(problems, (problem) => {
        const packed = exact.place(problem, context);
        expect(packed).toMatchObject({ ok: true, height: lowestHeight(problem.buffers), optimal: true });
      }),
      { numRuns },
    );
  });

  it('fits at the lowest height, and proves that one byte less is impossible', () => {
    fc.assert(
      fc.property(fc.oneof(tightPackings, tiedPackings, packings(7)), (problem) => {
        const height = lowestHeight(problem.buffers);
        expect(exact.place({ ...problem, capacity: height }, context)).toMatchObject({ ok: true, height });
        const below = exact.place({ ...problem, capacity: height - 1 }, context);
        expect(below).toMatchObject({ ok: false, proved: true });
        if (!below.ok) expect(below.required).toBeGreaterThanOrEqual(height);
      }),
      { numRuns: 300 },
    );
  });

  it('proves that there is none exactly where brute force finds none, at every capacity from the load bound on', () => {
    let proofs = 0;
    fc.assert(
      fc.property(fc.oneof(tightPackings, tiedPackings, givenPackings), (problem) => {
        const height = lowestHeight(problem.buffers);
        for (let capacity = loadBound(problem); capacity <= height + 1; capacity++) {
          const packed = exact.place({ ...problem, capacity }, context);
          if (capacity >= height) expect(packed).toMatchObject({ ok: true });
          else expect(packed).toMatchObject({ ok: false, proved: true });
          if (capacity < height) proofs++;
        }
      }),
      { numRuns: 400 },
    );
    // By search, since the load alone forbids none of them.
    expect(proofs).toBeGreaterThan(100);
  });

  it('does not fit where a given offset alone ends above the capacity', () => {
    const buffers = [
      { bytes: 1, align: 1, first: 0, last: 0, fixed: 0 },
      { bytes: 1, align: 1, first: 1, last: 1, fixed: 1 },
    ];
    expect(exact.place({ capacity: 1, buffers, near: [] }, context)).toMatchObject({ ok: false, proved: true, required: 2 });
  });
});
