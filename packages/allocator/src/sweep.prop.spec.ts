import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tightPackings } from './exact/spec-support.js';
import { loadBound } from './load.js';
import { isLoose, sweep } from './sweep.js';

describe('sweep', () => {
  it.each([true, false])('places without overlap, aligned, forwards: %s', (forwards) => {
    const many = fc
      .array(tightPackings, { minLength: 1, maxLength: 6 })
      .map((list) => ({ ...list[0], buffers: list.flatMap((each) => each.buffers) }));
    fc.assert(
      fc.property(many, (packing) => {
        const { buffers } = packing;
        const placed = sweep(buffers, forwards);
        const end = (b: number): number => placed.offsets[b] + buffers[b].bytes;
        buffers.forEach((own, a) => {
          expect(placed.offsets[a] % own.align).toBe(0);
          for (let b = 0; b < a; b++) {
            const meet = own.first <= buffers[b].last && buffers[b].first <= own.last;
            if (meet) expect(placed.offsets[a] >= end(b) || placed.offsets[b] >= end(a)).toBe(true);
          }
        });
        expect(placed.height).toBe(Math.max(...buffers.map((_, b) => end(b))));
        expect(placed.height).toBeGreaterThanOrEqual(loadBound(packing));
      }),
      { numRuns: 300 },
    );
  });

  it('leaves given offsets and tied buffers to others', () => {
    const buffer = { bytes: 4, align: 1, first: 0, last: 1 };
    expect(isLoose([buffer])).toBe(true);
    expect(isLoose([{ ...buffer, fixed: 4 }])).toBe(false);
    const tied = [buffer, { ...buffer, first: 2, last: 2, with: { buffer: 0, delta: 0 } }];
    expect(isLoose(tied)).toBe(false);
  });
});
