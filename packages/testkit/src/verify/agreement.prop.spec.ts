import { expand, type Plan } from '@regrain/core-ir';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { grains, programs, traces, traceWork } from '../arbitraries/index.js';
import { bruteForceVerify } from '../brute/verify.js';
import { simplePlan } from '../run/simple-plan.js';
import type { Writable } from './spec-support.js';
import { verify } from './verify.js';

const numbers = fc.array(fc.nat(1000), { minLength: 64, maxLength: 64 });
const stream = (values: readonly number[]): ((below: number) => number) => {
  let next = 0;
  return (below) => values[next++ % values.length] % below;
};
const works = programs(4).chain((program) => grains(program).map((grain) => ({ program, work: expand(program, grain) })));

/** One change of anything: an offset, a life, a wait, an order, an engine, a box. */
function mutate(plan: Writable<Plan>, [kind, a, b]: readonly [number, number, number]): void {
  const { steps, placements, decomposition } = plan;
  const step = steps[a % steps.length];
  const placement = placements[a % Math.max(1, placements.length)];
  const task = decomposition.tasks[a % decomposition.tasks.length];
  switch (kind % 8) {
    case 0:
      if (placement) placement.offset = Math.max(0, placement.offset + 4 * ((b % 9) - 4));
      return;
    case 1:
      if (placement && placement.last > placement.first) placement.last -= 1 + (b % (placement.last - placement.first));
      return;
    case 2:
      if (placement && placement.last > placement.first) placement.first += 1 + (b % (placement.last - placement.first));
      return;
    case 3:
      step.waits = step.waits.filter((_, k) => k !== b % step.waits.length);
      return;
    case 4: {
      const k = a % steps.length;
      const l = (k + 1) % steps.length;
      if (k < l) [steps[k], steps[l]] = [{ ...steps[l], waits: steps[l].waits.filter((wait) => wait < k) }, steps[k]];
      return;
    }
    case 5:
      if (step.kind === 'task') step.engine = 1 - step.engine;
      return;
    case 6: {
      const access = task.accesses[b % Math.max(1, task.accesses.length)];
      const d = b % Math.max(1, access?.box.length ?? 1);
      if (access?.box[d] && access.box[d][1] - access.box[d][0] > 1)
        access.box = access.box.map(([lo, hi], k) => (k === d ? [lo, hi - 1] : [lo, hi]));
      return;
    }
    case 7:
      if (placement) placement.last = Math.min(steps.length + 1, placement.last + 1 + (b % 3));
  }
}

const changes = fc.array(fc.tuple(fc.nat(7), fc.nat(1000), fc.nat(1000)), { minLength: 1, maxLength: 2 });

describe('the two forms of the verifier', () => {
  it('agree on broken plans of models', () => {
    let [rejected, accepted, stricter] = [0, 0, 0];
    fc.assert(
      fc.property(works, numbers, fc.boolean(), changes, ({ program, work }, values, spill, list) => {
        const plan = structuredClone(simplePlan(program, work, { random: stream(values), spill })) as Writable<Plan>;
        for (const change of list) mutate(plan, change);
        const [fast, brute] = [verify(plan), bruteForceVerify(plan)];
        if (fast.length > 0) rejected++;
        else accepted++;
        // An access is a box: of a strided read the fast form wants what lies between its elements, too. Never the other way round.
        if (fast.length > 0 && brute.length === 0) stricter++;
        else expect({ rejects: fast.length > 0, fast, brute }).toEqual({ rejects: brute.length > 0, fast, brute });
      }),
      { numRuns: 500 },
    );
    expect(rejected).toBeGreaterThan(100);
    expect(accepted).toBeGreaterThan(20);
    expect(stricter).toBeLessThan(10);
  });

  it('agree on traces in any order of steps', () => {
    fc.assert(
      fc.property(traces(8), numbers, changes, (program, values, list) => {
        const plan = structuredClone(simplePlan(program, traceWork(program), { random: stream(values) })) as Writable<Plan>;
        expect(verify(plan)).toEqual([]);
        for (const [kind, a, b] of list) mutate(plan, [3 + (kind % 3), a, b]);
        expect(verify(plan).length > 0).toBe(bruteForceVerify(plan).length > 0);
      }),
      { numRuns: 200 },
    );
  });
});
