import fc from 'fast-check';
import { expect, it } from 'vitest';
import { lowered, routesOf, segmentsOf } from './boundaries.js';
import { geometryOf } from './geometry.js';
import { LIMITS, networks } from './spec-support.js';

it('lowers segments near the peak within the multiply-accumulates, and moves no boundary', () => {
  fc.assert(
    fc.property(networks, (program) => {
      const geometry = geometryOf(program);
      const limits = { ...LIMITS, extraMacs: geometry.macs };
      for (const route of routesOf(geometry, [1, 4], limits)) {
        const lower = lowered(geometry, route, [1, 4], limits);
        const [before, after] = [segmentsOf(route), segmentsOf(lower)];
        expect(after.map(({ first, last }) => [first, last])).toEqual(before.map(({ first, last }) => [first, last]));
        after.forEach(({ bytes }, k) => {
          expect(bytes).toBeLessThanOrEqual(before[k].bytes);
        });
        expect(lower.bytes).toBeLessThanOrEqual(route.bytes);
        expect(lower.macs).toBeLessThanOrEqual(limits.extraMacs + 1e-6);
        expect(lower.macs).toBeCloseTo(after.reduce((sum, { macs }) => sum + macs, 0));
      }
    }),
    { numRuns: 40 },
  );
});
