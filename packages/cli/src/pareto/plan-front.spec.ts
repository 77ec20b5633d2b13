import { describe, expect, it } from 'vitest';
import { notBeaten, worthPlanning, worthWithin } from './plan-front.js';

describe('a front', () => {
  it('plans the ends and what saves enough between, thinned evenly', () => {
    const front = [100, 99, 90, 89, 80, 60, 59.9].map((bytes) => ({ bytes }));
    expect(worthPlanning(front, 10)).toEqual([0, 2, 4, 5, 6]);
    expect(worthPlanning(front, 3)).toEqual([0, 4, 6]);
    expect(worthPlanning(front, 1)).toEqual([0]);
    expect(worthPlanning([], 3)).toEqual([]);
  });

  it('plans a few within each factor, the last of them first', () => {
    const front = [100, 99, 90, 89, 80, 60, 59.9].map((bytes, k) => ({ bytes, macFactor: 1 + k / 10 }));
    expect(worthWithin(front, [1])).toEqual([0]);
    expect(worthWithin(front, [1, 1.35])).toEqual([0, 1, 3]);
    expect(worthWithin(front, [1.6])).toEqual([3, 4, 6]);
    expect(worthWithin([], [1])).toEqual([]);
    const spent = front
      .toSpliced(4, 0, { ...front[3], bytes: 88.9, macFactor: 1.34 })
      .map((each, k) => (k === 4 ? { ...each, spending: true } : each));
    expect(worthWithin(spent, [1.35])).toEqual([1, 3, 4]);
  });

  it('keeps what no other beats in bytes and in MACs', () => {
    const point = (macFactor: number, arenaBytes: number) => ({ macFactor, arenaBytes });
    expect(notBeaten([point(1.2, 50), point(1, 100), point(1.1, 100), point(1.05, 80), point(1.3, 50), point(1, 120)])).toEqual([
      point(1, 100),
      point(1.05, 80),
      point(1.2, 50),
    ]);
  });
});
