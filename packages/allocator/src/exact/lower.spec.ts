import { describe, expect, it } from 'vitest';
import { FREE, type Item } from './items.js';
import { minimise } from './lower.js';
import { Part } from './part.js';

describe('minimise', () => {
  it('ends at once where a part has too many pairs to be searched', () => {
    const count = 1800;
    const items = Array.from(
      { length: count },
      (): Item => ({ spans: [{ first: 0, last: 0, bytes: 1 }], align: 1, fixed: FREE, bytes: 1 }),
    );
    const all = items.map((_, i) => i);
    const part = new Part(
      all,
      items,
      all.map((i) => 2 * i),
    );
    let asked = 0;
    const budget = { nodes: 1000, over: () => asked++ > 10 };
    expect(minimise([part], count, budget)).toEqual({ height: 2 * count - 1, lowest: count });
    expect(budget.nodes).toBe(1000);
    expect(asked).toBeLessThan(3);
  });
});
