import {
  Allocator,
  Decomposer,
  DependenceAnalyzer,
  Frontend,
  Mover,
  type Mover as MoverPoint,
  type Packing,
  type Residency,
  Scheduler,
  type Step,
  wholeTensorGrain,
} from '@regrain/core-ir';
import { expect, it } from 'vitest';
import { bruteForceDependences } from '../brute/dependences.js';
import { simplePlan } from '../run/simple-plan.js';
import { conformsTo } from './index.js';

/** The plainest plugin of each point passes its suite: what the suites demand can be done. */
conformsTo(Scheduler, () => ({
  schedule: ({ operations }, { tasks }, { row, from }, { constraints }) => {
    const name = (task: number): string => operations[tasks[task].operation].name;
    const done = new Uint8Array(tasks.length);
    const free = (task: number): boolean =>
      from.subarray(row[task], row[task + 1]).every((before) => done[before]) &&
      constraints.every(
        (each) => each.kind !== 'before' || each.then !== name(task) || tasks.every((_, t) => done[t] || name(t) !== each.first),
      );
    const order = tasks.map(() => {
      const next = tasks.findIndex((_, t) => !done[t] && free(t));
      done[next] = 1;
      return next;
    });
    return { order: Int32Array.from(order), engine: new Uint8Array(order.length) };
  },
}));

conformsTo(DependenceAnalyzer, () => ({ analyze: bruteForceDependences }));

conformsTo(Decomposer, () => ({ decompose: (program) => wholeTensorGrain(program) }));

conformsTo(Allocator, () => ({
  place(problem: Packing) {
    // No two buffers ever share a byte, but for those that are tied; above all that is fixed.
    const offsets = new Float64Array(problem.buffers.length);
    let next = problem.buffers.reduce((top, { fixed, bytes }) => Math.max(top, fixed === undefined ? 0 : fixed + bytes), 0);
    problem.buffers.forEach(({ bytes, align, fixed, with: tie }, b) => {
      if (fixed !== undefined) offsets[b] = fixed;
      else if (tie) offsets[b] = offsets[tie.buffer] + tie.delta;
      else {
        offsets[b] = Math.ceil(next / align) * align;
        next = offsets[b] + bytes;
      }
    });
    if (next <= problem.capacity) return { ok: true as const, offsets, height: next, optimal: false };
    return { ok: false as const, proved: false, required: next, at: 0, buffers: [] };
  },
}));

/** Keeps the order and placements of the simple plan; an input that is not resident starts at its first use there, too. */
class SimpleMover implements MoverPoint {
  move(...[program, work, , , context]: Parameters<MoverPoint['move']>): { steps: readonly Step[]; residencies: readonly Residency[] } {
    const { steps, placements } = simplePlan(program, work, { machine: context.machine, constraints: context.constraints });
    return { steps, residencies: placements.map(({ holds, space, bytes, first, last }) => ({ holds, space, bytes, first, last })) };
  }
}
conformsTo(Mover, () => new SimpleMover());

it('says which points have no suite', () => {
  expect(() => conformsTo(Frontend, () => ({}))).toThrow(/no conformance suite for regrain.Frontend/);
});
