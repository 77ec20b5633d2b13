import type { Metrics } from '@regrain/core-ir';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { machine } from '../spec-support.js';
import { MovedObjective } from './moved.js';
import { PeakObjective } from './peak.js';
import { TimeObjective } from './time.js';
import { WeightedObjective, weightedOptions } from './weighted.js';

const figures = (changes: Partial<Metrics>): Metrics => ({
  peakBytes: [1000],
  arenaBytes: [1000],
  movedBytes: 500,
  macs: 1e6,
  cycles: 1e6,
  ...changes,
});
const score = (objective: PeakObjective, changes: Partial<Metrics>) => objective.score(figures(changes), machine);
const bytes = fc.nat(2 ** 31);
const cycles = fc.double({ min: 0, max: 1e15, noNaN: true });

describe('peak', () => {
  it('puts any byte of arena before any number of cycles', () => {
    fc.assert(
      fc.property(bytes, cycles, cycles, (arena, a, b) => {
        expect(score(new PeakObjective(), { arenaBytes: [arena], cycles: a })).toBeLessThan(
          score(new PeakObjective(), { arenaBytes: [arena + 1], cycles: b }),
        );
      }),
    );
  });

  it('prefers fewer cycles between equal arenas', () => {
    expect(score(new PeakObjective(), { cycles: 9.9e8 })).toBeLessThan(score(new PeakObjective(), { cycles: 1e9 }));
    expect(score(new PeakObjective(), { arenaBytes: [2 ** 31], cycles: 99 })).toBeLessThan(
      score(new PeakObjective(), { arenaBytes: [2 ** 31], cycles: 100 }),
    );
  });

  it('counts only counted spaces', () => {
    const two = { ...machine, spaces: [machine.spaces[0], { ...machine.spaces[0], name: 'dram', counted: false }] };
    const at = (arenaBytes: number[]) => new PeakObjective().score(figures({ arenaBytes }), two);
    expect(at([100, 10])).toBe(at([100, 1e6]));
  });
});

it('moved puts traffic first, then the arena', () => {
  const objective = new MovedObjective();
  expect(score(objective, { movedBytes: 9, arenaBytes: [2 ** 31] })).toBeLessThan(score(objective, { movedBytes: 10, arenaBytes: [1] }));
  expect(score(objective, { arenaBytes: [999] })).toBeLessThan(score(objective, {}));
});

it('time puts cycles first, then the arena', () => {
  const objective = new TimeObjective();
  expect(score(objective, { cycles: 9, arenaBytes: [2 ** 31] })).toBeLessThan(score(objective, { cycles: 10, arenaBytes: [1] }));
  expect(score(objective, { arenaBytes: [999] })).toBeLessThan(score(objective, {}));
});

it('weighted multiplies powers and stays finite', () => {
  const objective = (weights: object) => new WeightedObjective(weightedOptions.parse(weights));
  expect(score(objective({}), {})).toBeCloseTo(1000 * 1000);
  expect(score(objective({ arena: 0, cycles: 0, moved: 1 }), {})).toBeCloseTo(501);
  expect(score(objective({ arena: 0, cycles: 0, macs: 0.5 }), {})).toBeCloseTo(1000);
  expect(score(objective({ arena: 1000 }), {})).toBeLessThan(Number.POSITIVE_INFINITY);
  expect(() => objective({ arena: -1 })).toThrow();
});
