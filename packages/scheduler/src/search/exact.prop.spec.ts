import fc from 'fast-check';
import { expect, it } from 'vitest';
import { solveByParts } from './by-parts.js';
import { cutsOfOrder } from './cuts.js';
import { peakOfProblem } from './downset.js';
import { floorOf } from './floor.js';
import { leastPeak } from './least-peak.js';
import { placesOf } from './problem.js';
import { allOrders, naivePeak, problems } from './spec-support.js';

const unlimited = () => ({ states: 1e9, check: () => {} });

it('finds the least peak of all legal orders, and proves it', () => {
  fc.assert(
    fc.property(problems(7), (problem) => {
      let least = Number.POSITIVE_INFINITY;
      for (const order of allOrders(problem)) least = Math.min(least, naivePeak(problem, order));
      const start = Int32Array.from({ length: problem.arcs.tasks }, (_, t) => t);
      const whole = leastPeak(problem, Number.POSITIVE_INFINITY, 0, unlimited());
      expect([whole.peak, whole.bound]).toEqual([least, least]);
      expect(naivePeak(problem, whole.order as number[])).toBe(least);
      const solved = solveByParts(problem, start, (part, limit, floor) => leastPeak(part, limit, floor, unlimited()));
      expect([solved.peak, solved.bound]).toEqual([least, least]);
      expect(naivePeak(problem, [...solved.order])).toBe(least);
      expect(peakOfProblem(problem, solved.order)).toBe(least);
      expect(floorOf(problem)).toBeLessThanOrEqual(least);
    }),
    { numRuns: 1500 },
  );
});

it('gives an order no worse than the first and a bound that holds, whatever the budget', () => {
  fc.assert(
    fc.property(problems(7), fc.integer({ min: 0, max: 6 }), (problem, states) => {
      let least = Number.POSITIVE_INFINITY;
      for (const order of allOrders(problem)) least = Math.min(least, naivePeak(problem, order));
      const start = Int32Array.from({ length: problem.arcs.tasks }, (_, t) => t);
      const budget = { states, check: () => {} };
      const solved = solveByParts(problem, start, (part, limit, floor) => leastPeak(part, limit, floor, budget));
      expect(solved.peak).toBe(naivePeak(problem, [...solved.order]));
      expect(solved.peak).toBeLessThanOrEqual(naivePeak(problem, [...start]));
      expect(solved.bound).toBeLessThanOrEqual(least);
    }),
    { numRuns: 300 },
  );
});

it('cuts an order exactly where every order passes', () => {
  fc.assert(
    fc.property(problems(6), (problem) => {
      const { tasks } = problem.arcs;
      const sets = Array.from({ length: tasks + 1 }, () => new Set<string>());
      for (const order of allOrders(problem)) for (let k = 0; k <= tasks; k++) sets[k].add([...order.slice(0, k)].sort().join());
      const expected = sets.flatMap((each, k) => (each.size === 1 ? [k] : []));
      const order = Int32Array.from({ length: tasks }, (_, t) => t);
      expect(cutsOfOrder(problem.arcs, order, placesOf(order))).toEqual(expected);
    }),
    { numRuns: 300 },
  );
});
