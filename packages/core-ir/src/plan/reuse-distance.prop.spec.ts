import fc from 'fast-check';
import { expect, it } from 'vitest';
import { reuseDistance } from './reuse-distance.js';

/** Regions per task, each once. */
const touches = fc.array(fc.uniqueArray(fc.nat(5), { maxLength: 4 }), { minLength: 1, maxLength: 12 });
const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 6, maxLength: 6 });

it('is the sum of the distinct regions between two accesses of one', () => {
  fc.assert(
    fc.property(touches, sizes, fc.nat(), (lists, bytes, turn) => {
      const order = lists.map((_, t) => (t + turn) % lists.length);
      const row = new Int32Array(lists.length + 1);
      lists.forEach((list, t) => {
        row[t + 1] = row[t] + list.length;
      });
      const sequence = order.flatMap((t) => lists[t]);
      const distances = sequence.flatMap((r, k) => {
        const before = sequence.lastIndexOf(r, k - 1);
        if (k === 0 || before < 0) return [];
        return [[...new Set(sequence.slice(before, k))].reduce((sum, each) => sum + bytes[each], 0)];
      });
      const found = reuseDistance({ row, region: Int32Array.from(lists.flat()) }, bytes, order);
      expect(found.reuses).toBe(distances.length);
      expect(found.first).toBe(new Set(sequence).size);
      expect(found.meanBytes).toBeCloseTo(distances.length === 0 ? 0 : distances.reduce((a, b) => a + b, 0) / distances.length, 9);
      const inBand = (upTo: number): number => distances.filter((each) => each <= upTo && each > upTo / 2).length;
      for (const { upTo, reuses } of found.histogram) expect(reuses).toBe(inBand(upTo));
      expect(found.histogram.reduce((sum, { reuses }) => sum + reuses, 0)).toBe(distances.length);
    }),
  );
});
