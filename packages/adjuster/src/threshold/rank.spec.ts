import { describe, expect, it } from 'vitest';
import { History } from './history.js';
import { bestFirst } from './rank.js';

const batch = (gain: number, moreTasks: number, frequency = 1) => ({
  kind: 'split' as const,
  tensors: [0],
  gain,
  moreTasks,
  frequency,
  edits: () => [],
});

describe('rank', () => {
  it('prefers the cheapest of those about as good as the best', () => {
    const order = [...bestFirst([batch(0.5, 1), batch(1, 900), batch(0.8, 100), batch(0.76, 90)])].map(({ gain }) => gain);
    expect(order).toEqual([0.76, 0.8, 1, 0.5]);
  });

  it('of equal batches takes the busier', () => {
    expect([...bestFirst([batch(1, 5, 1), batch(1, 5, 2)])][0].frequency).toBe(2);
  });
});

describe('history', () => {
  const split = (tensor: number, cut: number) => ({
    kind: 'split' as const,
    at: { tensor, box: [[0, 8]] as const },
    axis: 0,
    cut,
    tasks: true,
  });

  it('believes a kind of batch less on tensors where it failed', () => {
    const failed = [4, 2].map((cut) => ({ edits: [split(3, cut)], predicted: 1, before: 1, after: 2, kept: false }));
    const history = new History(failed, 4);
    expect(history.trust('split', [3])).toBe(1 / 16);
    expect(history.trust('merge', [3])).toBe(1);
    expect(history.trust('split', [3, 4])).toBe(1);
    expect(history.wasRejected([split(3, 4)])).toBe(true);
    expect(history.wasRejected([split(3, 5)])).toBe(false);
  });

  it('forgets the way of an edit after the cooldown', () => {
    const kept = [0, 1].map((tensor) => ({ edits: [split(tensor, 4)], predicted: 1, before: 2, after: 1, kept: true }));
    expect(new History(kept, 2).allows(0, 'merge')).toBe(false);
    expect(new History(kept, 1).allows(0, 'merge')).toBe(true);
    expect(new History(kept, 1).allows(1, 'merge')).toBe(false);
    expect(new History(kept, 1).allows(1, 'split')).toBe(true);
  });
});
