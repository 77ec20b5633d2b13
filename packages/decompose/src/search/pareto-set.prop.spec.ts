import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fewestWithin, type Priced, paretoSet } from './pareto-set.js';

const points = fc.array(fc.record({ bytes: fc.integer({ min: 1, max: 50 }), macs: fc.integer({ min: 0, max: 100 }) }), { minLength: 1 });
const fewest = (list: readonly Priced[], macs: number): number =>
  Math.min(...list.filter((point) => point.macs <= macs).map(({ bytes }) => bytes));

describe('points that no other beats', () => {
  it('keeps those and no others', () => {
    fc.assert(
      fc.property(points, (list) => {
        const kept = paretoSet(list);
        for (const { bytes, macs } of list) expect(kept.some((other) => other.bytes <= bytes && other.macs <= macs)).toBe(true);
        for (const { bytes, macs } of kept)
          expect(list.some((other) => other.bytes <= bytes && other.macs <= macs && (other.bytes < bytes || other.macs < macs))).toBe(
            false,
          );
      }),
    );
  });

  it('knows the fewest bytes within so many multiply-accumulates, to a step', () => {
    fc.assert(
      fc.property(points, fc.integer({ min: 1, max: 100 }), fc.integer({ min: 0, max: 100 }), (list, most, within) => {
        const found = fewestWithin(list, most)(within);
        expect(found).toBeGreaterThanOrEqual(fewest(list, within));
        if (within <= most) expect(found).toBeLessThanOrEqual(fewest(list, within - 1));
      }),
    );
  });
});
