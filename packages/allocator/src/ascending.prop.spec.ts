import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ascending } from './ascending.js';

it.each([
  ['whole numbers', fc.integer({ min: -20, max: 20 })],
  ['whole numbers far apart', fc.maxSafeInteger()],
  ['any numbers', fc.double({ noNaN: true })],
] as const)('puts positions in order, stable: %s', (_, keys: fc.Arbitrary<number>) => {
  fc.assert(
    fc.property(fc.array(keys), (list) => {
      const expected = list.map((_, k) => k).sort((a, b) => (list[a] < list[b] ? -1 : list[a] > list[b] ? 1 : a - b));
      expect([...ascending(Float64Array.from(list))]).toEqual(expected);
    }),
  );
});
