import { describe, expect, it } from 'vitest';
import { compared, compareRuns } from './pairs.js';

describe('compared', () => {
  it('gives the median, and where it may lie', () => {
    const ratios = Array.from({ length: 25 }, (_, k) => 0.9 + k / 100);
    const { ratio, low, high } = compared(ratios.toReversed());
    expect(ratio).toBeCloseTo(1.02);
    expect(low).toBeCloseTo(0.97);
    expect(high).toBeCloseTo(1.07);
  });

  it('is not moved by a few runs that something else delayed', () => {
    const ratios = [...new Array<number>(20).fill(0.95), 7, 8, 9];
    expect(compared(ratios)).toEqual({ ratio: 0.95, low: 0.95, high: 0.95 });
  });
});

describe('compareRuns', () => {
  it('runs both in turn, and tells twice the work from once', () => {
    let sum = 0;
    const work = (rounds: number) => (): void => {
      for (let k = 0; k < rounds * 200_000; k++) sum += Math.sqrt(k);
    };
    work(3)();
    const { ratio } = compareRuns(work(8), work(2), 15, 10_000);
    expect(ratio).toBeGreaterThan(2);
    expect(sum).toBeGreaterThan(0);
  });
});
