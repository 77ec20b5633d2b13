import fc from 'fast-check';
import { expect, it } from 'vitest';
import { anneal } from './annealing.js';
import { beamSearch } from './beam-search.js';
import { floorOf } from './floor.js';
import { MaxTree } from './max-tree.js';
import { MovableOrder } from './movable-order.js';
import { type Problem, placesOf } from './problem.js';
import { allOrders, naivePeak, problems } from './spec-support.js';

const check = (): void => {};
const asNumbered = ({ arcs }: Problem): Int32Array => Int32Array.from({ length: arcs.tasks }, (_, t) => t);

function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function expectLegal({ arcs }: Problem, order: Int32Array): void {
  const place = placesOf(order);
  expect([...order].sort((a, b) => a - b)).toEqual([...order.keys()]);
  for (let t = 0; t < arcs.tasks; t++)
    for (let e = arcs.row[t]; e < arcs.row[t + 1]; e++) expect(place[arcs.from[e]]).toBeLessThan(place[t]);
}

it('anneals to a legal order that is no worse, and to the same one from the same seed', () => {
  fc.assert(
    fc.property(problems(14), fc.nat(1000), fc.constantFrom(0, 6), (problem, seed, window) => {
      const start = asNumbered(problem);
      const run = (): Int32Array => anneal(problem, start, 0, { moves: 300, window, random: seeded(seed), check });
      const order = run();
      expectLegal(problem, order);
      expect(naivePeak(problem, [...order])).toBeLessThanOrEqual(naivePeak(problem, [...start]));
      expect(run()).toEqual(order);
    }),
    { numRuns: 150 },
  );
});

it('keeps the live bytes of an order right through its moves', () => {
  fc.assert(
    fc.property(problems(12), fc.nat(1000), (problem, seed) => {
      const random = seeded(seed);
      const state = new MovableOrder(problem, asNumbered(problem));
      for (let move = 0; move < 30; move++) {
        const at = Math.floor(random() * state.order.length);
        const [low, high] = state.range(at);
        const target = low + Math.floor(random() * (high - low + 1));
        const [first, last] = [Math.min(at, target), Math.max(at, target)];
        const tasks = [...state.order.subarray(first, last + 1)];
        tasks.splice(target - first, 0, ...tasks.splice(at - first, 1));
        state.try(tasks, first);
        state.take(tasks, first);
        expectLegal(problem, state.order);
        const fresh = new MovableOrder(problem, state.order);
        expect(state.during).toEqual(fresh.during);
        expect(state.before).toEqual(fresh.before);
        expect(state.peak).toBe(Math.max(...state.during));
        expect(state.during[state.peakAt]).toBe(state.peak);
      }
    }),
    { numRuns: 60 },
  );
});

it('finds by beams legal orders below the limit, and the best with a wide beam', () => {
  fc.assert(
    fc.property(problems(7), fc.constantFrom(1, 2, 1000), (problem, width) => {
      let least = Number.POSITIVE_INFINITY;
      for (const order of allOrders(problem)) least = Math.min(least, naivePeak(problem, order));
      const limit = naivePeak(problem, [...asNumbered(problem)]);
      const found = beamSearch(problem, limit, 0, { width, check });
      expect(found.bound).toBeLessThanOrEqual(least);
      expect(found.peak).toBeGreaterThanOrEqual(least);
      if (width === 1000) expect(found.peak).toBe(least);
      if (!found.order) return;
      expectLegal(problem, Int32Array.from(found.order));
      expect(naivePeak(problem, found.order)).toBe(found.peak);
      expect(found.peak).toBeLessThan(limit);
    }),
    { numRuns: 400 },
  );
});

it('knows the greatest of changing values and where it is', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 20 }),
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 9 }))),
      (values, changes) => {
        const tree = new MaxTree(Float64Array.from(values));
        for (const [at, value] of changes) {
          values[at % values.length] = value;
          tree.set(at % values.length, value);
        }
        expect(tree.greatest).toBe(Math.max(...values));
        expect(tree.at).toBe(values.indexOf(Math.max(...values)));
      },
    ),
  );
});

it('bounds what an order needs at least', () => {
  fc.assert(
    fc.property(problems(7), (problem) => {
      for (const order of allOrders(problem)) expect(floorOf(problem)).toBeLessThanOrEqual(naivePeak(problem, order));
    }),
    { numRuns: 100 },
  );
});
