import type { Context, Machine, Operation, Program } from '@regrain/core-ir';
import { expand, wholeTensorGrain } from '@regrain/core-ir';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CriticalPathScheduler } from './critical-path.js';
import { listInRoom } from './list-in-room.js';
import { Downset } from './search/downset.js';
import { naivePeak, problems } from './search/spec-support.js';

it('starts no task that exceeds the capacity while another ready one fits', () => {
  fc.assert(
    fc.property(
      problems(9),
      fc.integer({ min: 5, max: 80 }),
      fc.array(fc.nat(5), { minLength: 9, maxLength: 9 }),
      (problem, limit, rank) => {
        fc.pre(problem.base === 0);
        const spaces = { of: new Uint8Array(problem.model.bytes.length), working: 0, limits: Float64Array.of(limit) };
        const before = (a: number, b: number): boolean => rank[a] > rank[b] || (rank[a] === rank[b] && a < b);
        const order = listInRoom(problem.arcs, problem.model, spaces, before);
        expect([...order].sort((a, b) => a - b)).toEqual([...order.keys()]);
        const set = new Downset(problem);
        for (const task of order) {
          const fits = [...order.keys()].filter((t) => {
            if (set.done[t] || set.waits[t] > 0) return false;
            set.preview(t);
            return set.during <= limit;
          });
          expect(set.waits[task]).toBe(0);
          // The first by rank of those that fit.
          if (fits.length > 0) expect(task).toBe(fits.reduce((best, t) => (before(t, best) ? t : best)));
          set.preview(task);
          set.run(task);
        }
      },
    ),
    { numRuns: 400 },
  );
});

it('without need of room is list scheduling by rank', () => {
  fc.assert(
    fc.property(problems(9), (problem) => {
      const limits = Float64Array.of(naivePeak(problem, [...Array(problem.arcs.tasks).keys()]));
      const spaces = { of: new Uint8Array(problem.model.bytes.length), working: 0, limits };
      expect([...listInRoom(problem.arcs, problem.model, spaces, (a, b) => a < b)]).toEqual([...Array(problem.arcs.tasks).keys()]);
    }),
    { numRuns: 100 },
  );
});

/** Two engines that share a scratchpad, a memory behind it and an engine that moves between them. */
const machine = (bytes: number): Machine => ({
  name: 'two engines',
  spaces: [
    { name: 'scratchpad', bytes, align: 1, counted: true },
    { name: 'dram', bytes: Number.POSITIVE_INFINITY, align: 1, counted: false },
  ],
  engines: [
    { name: 'pe0', spaces: [0], runs: 'tasks' },
    { name: 'pe1', spaces: [0], runs: 'tasks' },
    { name: 'dma', spaces: [0, 1], runs: 'moves' },
  ],
  home: { input: 1, constant: 1, output: 1 },
  detail: {},
});

/** Three branches from one input: each makes a large tensor, then a small one; all small ones are joined. */
function branches(): Program {
  const tensors: Program['tensors'][number][] = [{ name: 'x', shape: [8], dtype: 'int8', kind: 'input' }];
  const operations: Operation[] = [];
  const add = (name: string, reads: readonly number[], size: number, macs: number): number => {
    const tensor = tensors.push({ name, shape: [size], dtype: 'int8', kind: 'computed' }) - 1;
    const operands = [...reads, tensor].map((t) => ({
      tensor: t,
      mode: t === tensor ? ('write' as const) : ('read' as const),
      map: [{ at: 0, size: tensors[t].shape[0] }],
    }));
    operations.push({ name, type: 'Node', attributes: {}, domain: [], operands, macs });
    return tensor;
  };
  const wide = [0, 1, 2].map((k) => add(`wide${k}`, [0], 100, 10));
  const narrow = wide.map((t, k) => add(`narrow${k}`, [t], 4, 5));
  add('join', narrow, 4, 1);
  return { name: 'branches', tensors, operations, outputs: [tensors.length - 1], states: [] };
}

it('lets branches run side by side on two engines where there is room, and one after the other where there is not', () => {
  const program = branches();
  const work = expand(program, wholeTensorGrain(program));
  const needs = { row: Int32Array.of(0, 0, 0, 0, 1, 2, 3, 6), from: Int32Array.of(0, 1, 2, 3, 4, 5), kinds: new Uint8Array(6).fill(1) };
  const run = (bytes: number) => {
    const context: Context = {
      machine: machine(bytes),
      constraints: [],
      objective: { score: () => 0 },
      random: () => 0,
      signal: new AbortController().signal,
      progress: () => {},
    };
    return new CriticalPathScheduler().schedule(program, work, needs, context);
  };
  const roomy = run(Number.POSITIVE_INFINITY);
  expect([...roomy.order.subarray(0, 3)]).toEqual([0, 1, 2]);
  expect([...roomy.engine.subarray(0, 2)]).toEqual([0, 1]);
  expect(run(400)).toEqual(roomy);
  // A tenth is left to placement. Two wide tensors, and what is left of a third branch.
  expect([...run(256).order]).toEqual([0, 1, 3, 2, 4, 5, 6]);
  // One at a time, with the small ones that wait.
  expect([...run(125).order]).toEqual([0, 3, 1, 4, 2, 5, 6]);
});
