import { describe, expect, it } from 'vitest';
import { geometricMean, inTurn, ratioOf, summaryOf } from './paired.js';

describe('inTurn', () => {
  it('runs every contender in every round, each round beginning with another', async () => {
    const ran: string[] = [];
    const slow = (name: string) => ({
      name,
      run: async () => {
        ran.push(name);
        await new Promise((resolve) => setTimeout(resolve, 4));
      },
    });
    const { elapsed: rounds, work } = await inTurn([slow('a'), slow('b')], 3, 0);
    // Waiting is no work.
    for (const [name, times] of work) expect(Math.min(...times)).toBeLessThan(Math.min(...(rounds.get(name) ?? [])));
    expect([...rounds].map(([name, times]) => [name, times.length])).toEqual([
      ['a', 3],
      ['b', 3],
    ]);
    expect(ran.slice(-6)).toEqual(['a', 'b', 'b', 'a', 'a', 'b']);
  });
});

describe('ratios', () => {
  it('pairs the times of a round, so that load which slows a whole round does not count', () => {
    const rounds = new Map([
      ['ours', [1, 10, 1]],
      ['theirs', [2, 20, 2]],
    ]);
    expect(ratioOf(rounds, 'ours', 'theirs')).toEqual({ median: 0.5, spread: 0 });
    expect(ratioOf(rounds, 'ours', 'absent')).toBeUndefined();
  });

  it('gives the spread between quartiles, and means of ratios', () => {
    expect(summaryOf([5, 1, 3, 2, 4])).toEqual({ median: 3, spread: 2 / 3 });
    expect(geometricMean([0.5, 2])).toBeCloseTo(1);
  });
});
