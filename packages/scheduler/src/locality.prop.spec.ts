import { expand, reuseDistance, touchedRegions, wholeTensorGrain } from '@regrain/core-ir';
import { bruteForceDependences, testMachine } from '@regrain/testkit';
import { grains, programs } from '@regrain/testkit/arbitraries';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LocalityScheduler, localityOptions } from './locality.js';
import { ProgramOrderScheduler } from './program-order.js';

it('has no greater mean reuse distance than program order', () => {
  const example = programs(6).chain((program) =>
    fc.tuple(fc.constant(program), fc.oneof(grains(program), fc.constant(wholeTensorGrain(program)))),
  );
  let better = 0;
  fc.assert(
    fc.property(example, ([program, grain]) => {
      const work = expand(program, grain);
      const needs = bruteForceDependences(work);
      const context = {
        machine: testMachine,
        constraints: [],
        objective: { score: () => 0 },
        random: () => 0,
        signal: new AbortController().signal,
        progress: () => {},
      };
      const free = (instance: number): boolean => program.tensors[work.instances[instance].tensor].kind === 'constant';
      const mean = (order: Int32Array): number =>
        reuseDistance(
          touchedRegions(work, free),
          work.regions.map(({ bytes }) => bytes),
          order,
        ).meanBytes;
      const ours = mean(new LocalityScheduler(localityOptions.parse({})).schedule(program, work, needs, context).order);
      const theirs = mean(new ProgramOrderScheduler().schedule(program, work, needs, context).order);
      expect(ours).toBeLessThanOrEqual(theirs);
      if (ours < theirs) better++;
    }),
    { numRuns: 100 },
  );
  expect(better).toBeGreaterThan(5);
});
