import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { copyElements, type Layout, type Numbers, stridedCopy } from './strided-copy.js';

/** A box of a few elements, its dimensions in any order in either array, each with gaps between its rows. */
const copies = fc
  .array(fc.integer({ min: 0, max: 5 }), { maxLength: 4 })
  .chain((small) => fc.tuple(fc.constant(small), fc.constantFrom([], [3], [40], [40, 3])))
  .map(([small, more]) => [...small, ...more])
  .chain((counts) => {
    const layout = fc
      .record({
        order: fc.shuffledSubarray([...counts.keys()], { minLength: counts.length }),
        gap: fc.nat(2),
        start: fc.nat(3),
      })
      .map(({ order, gap, start }): Layout => {
        const steps = counts.map(() => 0);
        let step = 1;
        for (const d of order) {
          steps[d] = step;
          step = step * counts[d] + (step > 1 ? gap : 0);
        }
        return { start, steps };
      });
    return fc.record({ counts: fc.constant(counts), target: layout, source: layout, typed: fc.boolean() });
  });

describe('a strided copy', () => {
  it('moves every element of the box, and nothing else', () => {
    fc.assert(
      fc.property(copies, ({ counts, target, source, typed }) => {
        const length = ({ start, steps }: Layout): number => 1 + start + counts.reduce((sum, count, d) => sum + count * steps[d], 0);
        const array = (size: number, value: (k: number) => number): Numbers => {
          const numbers = Array.from({ length: size }, (_, k) => value(k));
          return typed ? Float32Array.from(numbers) : numbers;
        };
        const from = array(length(source), (k) => k + 1);
        const [to, wanted] = [array(length(target), () => 0), array(length(target), () => 0)];
        const each = (d: number, a: number, b: number): void => {
          if (d === counts.length) wanted[a] = from[b];
          else for (let k = 0; k < counts[d]; k++) each(d + 1, a + k * target.steps[d], b + k * source.steps[d]);
        };
        each(0, target.start, source.start);
        copyElements(stridedCopy(target, source, counts), to, from);
        expect(Array.from(to)).toEqual(Array.from(wanted));
      }),
      { numRuns: 300 },
    );
  });
});
