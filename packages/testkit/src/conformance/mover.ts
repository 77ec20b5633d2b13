import type { Constraint, Machine, Mover, Placement, Plan, Schedule } from '@regrain/core-ir';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { testMachine } from '../run/simple-plan.js';
import { verify } from '../verify/verify.js';
import { testContext } from './context.js';
import { modelWorks, type WorkExample } from './works.js';

/** One engine reaching all spaces beside a transfer engine: any mover can work with it. */
const machine: Machine = { ...testMachine, engines: testMachine.engines.map((engine) => ({ ...engine, spaces: [0, 1] })) };

/** Every residency gets bytes of its own, tied ones those of their partner: what is left to judge is the mover's. */
async function planOf(make: () => Mover, { program, work, needs }: WorkExample, constraints: readonly Constraint[]): Promise<Plan> {
  const schedule: Schedule = { order: Int32Array.from(work.tasks.keys()), engine: new Uint8Array(work.tasks.length) };
  const { steps, residencies } = await make().move(program, work, needs, schedule, testContext({ machine, constraints }));
  const offsets: number[] = [];
  let next = 0;
  const offsetOf = (r: number): number => {
    const { with: tie, bytes } = residencies[r];
    if (offsets[r] === undefined) {
      if (tie) offsets[r] = offsetOf(tie.placement) + tie.delta;
      else {
        offsets[r] = next;
        next = Math.ceil((next + bytes) / 4) * 4;
      }
    }
    return offsets[r];
  };
  const placements = residencies.map(
    ({ holds, space, bytes, first, last }, r): Placement => ({ holds, space, bytes, first, last, offset: offsetOf(r) }),
  );
  const metrics = { peakBytes: [], arenaBytes: [], movedBytes: 0, macs: 0, cycles: 0 };
  return { format: 'regrain.plan/1', program, machine, constraints, decomposition: work, steps, placements, metrics, trials: [] };
}

export function moverSuite(make: () => Mover): void {
  it.each(['resident', 'streamed', 'external'] as const)(
    'gives steps and intervals in which every value is found, inputs %s',
    async (access) => {
      await fc.assert(
        fc.asyncProperty(modelWorks, async (example) => {
          const constraints = example.program.tensors.flatMap(({ kind, name }) =>
            kind === 'input' ? [{ kind: 'input' as const, tensor: name, access }] : [],
          );
          expect(verify(await planOf(make, example, constraints))).toEqual([]);
        }),
        { numRuns: 60 },
      );
    },
  );

  it('runs the scheduled tasks in their order', async () => {
    await fc.assert(
      fc.asyncProperty(modelWorks, async (example) => {
        const { steps } = await planOf(make, example, []);
        expect(steps.flatMap((step) => (step.kind === 'task' ? [step.task] : []))).toEqual([...example.work.tasks.keys()]);
      }),
      { numRuns: 30 },
    );
  });
}
