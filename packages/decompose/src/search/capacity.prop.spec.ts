import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { routesOf, segmentsOf } from './boundaries.js';
import { geometryOf } from './geometry.js';
import { LIMITS, networks } from './spec-support.js';
import { regionWidth } from './tile-bytes.js';

describe('a capacity in the search', () => {
  it('counts the highest segment where all fit, and what each holds above it where not', () => {
    fc.assert(
      fc.property(networks, fc.integer({ min: 0, max: 2000 }), (program, capacity) => {
        const geometry = geometryOf(program);
        const plain = routesOf(geometry, [1, 4], LIMITS);
        for (const route of routesOf(geometry, [1, 4], { ...LIMITS, capacity })) {
          const held = segmentsOf(route).map(({ bytes }) => bytes);
          const above = held.reduce((sum, bytes) => sum + Math.max(0, bytes - capacity), 0);
          expect(route.bytes).toBeCloseTo(above > 0 ? capacity + above : Math.max(...held));
          for (const other of plain) {
            const moved = segmentsOf(other).reduce((sum, { bytes }) => sum + Math.max(0, bytes - capacity), 0);
            if (other.macs >= route.macs) expect(above).toBeLessThanOrEqual(moved + 1e-6);
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('regionWidth', () => {
  const grid = { rowAxis: 2, columnAxis: 3, rows: 8, columns: 56, cellBytes: 24, bytes: 8 * 56 * 24 };
  it('takes tiles together where that wastes less of the alignment', () => {
    expect(regionWidth(grid, 1, 16)).toBe(2);
    expect(regionWidth(grid, 2, 16)).toBe(2);
    expect(regionWidth(grid, 1, 8)).toBe(1);
    expect(regionWidth({ ...grid, columns: 1 }, 1, 16)).toBe(1);
    expect(regionWidth({ ...grid, cellBytes: 1000 }, 1, 16)).toBe(1);
  });
});
