import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linesHeld, linesLeft, linesMade, MOMENTS, momentsOf, rowsInHand } from './progress.js';

/** A map of which each row of the result reads a window, row by row, nothing made ahead. */
const windows = fc
  .record({ results: fc.integer({ min: 1, max: 12 }), size: fc.integer({ min: 1, max: 7 }), stride: fc.integer({ min: 1, max: 2 }) })
  .filter(({ size, stride }) => size >= stride)
  .map(({ results, size, stride }) => {
    const pad = (size - stride) >> 1;
    return { results, size, stride, pad, rows: results * stride, reach: { hi: size - stride - pad, start: -pad, band: stride } };
  });

describe('progress of a segment', () => {
  it('counts the rows that rows of the result still need, as a list of rows does', () => {
    fc.assert(
      fc.property(windows, fc.nat(), ({ results, size, stride, pad, rows, reach }, seed) => {
        const done = seed % (results + 1);
        const all = Array.from({ length: rows }, (_, row) => row);
        const readBy = (result: number, row: number): boolean => row >= result * stride - pad && row < result * stride - pad + size;
        const wanted = (from: number, row: number): boolean => {
          for (let result = from; result < results; result++) if (readBy(result, row)) return true;
          return false;
        };
        const made = all.filter((row) => row < done * stride + reach.hi);
        expect(linesMade(rows, reach, done / results)).toBeCloseTo(made.length);
        // After the last band nothing is wanted; what it read counts until then.
        if (done < results) expect(linesHeld(rows, reach, done / results)).toBe(made.filter((row) => wanted(done, row)).length);
        const left = rows - linesLeft(rows, reach, done / results);
        if (done < results)
          expect(Math.abs(left - all.filter((row) => !wanted(done, row) && row < done * stride).length)).toBeLessThanOrEqual(stride / 2);
        if (done === 0) return;
        const read = all.filter((row) => readBy(done - 1, row));
        // The first band begins with all that is made ahead.
        expect(rowsInHand(rows, reach, 'again', results, done / results)).toBe(read.length);
        if (done > 1)
          expect(rowsInHand(rows, reach, 'once', results, done / results)).toBe(read.filter((row) => !readBy(done - 2, row)).length);
      }),
    );
  });

  it('goes from nothing made to all made, between bands', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), (bands) => {
        const moments = momentsOf(bands);
        expect(moments.length).toBe(MOMENTS);
        expect(moments.toSorted((a, b) => a - b)).toEqual(moments);
        expect(linesMade(9, { hi: 100, start: 0, band: 1 }, moments[0])).toBe(0);
        expect(moments.at(-1)).toBe(1);
        for (const done of moments.filter((each) => each >= 0)) expect(done * bands).toBeCloseTo(Math.round(done * bands));
      }),
    );
  });
});
