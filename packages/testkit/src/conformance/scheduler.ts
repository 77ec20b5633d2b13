import type { Scheduler } from '@regrain/core-ir';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { testContext } from './context.js';
import { modelWorks, works } from './works.js';

export function schedulerSuite(make: () => Scheduler): void {
  it('gives every task once, after all that it depends on, on an engine that runs tasks', async () => {
    await fc.assert(
      fc.asyncProperty(works, async ({ program, work, needs }) => {
        const context = testContext();
        const { order, engine } = await make().schedule(program, work, needs, context);
        expect([...order].sort((a, b) => a - b)).toEqual(work.tasks.map((_, t) => t));
        expect(engine).toHaveLength(order.length);
        for (const e of engine) expect(context.machine.engines[e]?.runs).toBe('tasks');
        const position = new Int32Array(order.length);
        order.forEach((task, i) => {
          position[task] = i;
        });
        for (let t = 0; t < order.length; t++) {
          for (let e = needs.row[t]; e < needs.row[t + 1]; e++) expect(position[needs.from[e]]).toBeLessThan(position[t]);
        }
      }),
      { numRuns: 80 },
    );
  });

  it('obeys an order between operations that the user demands', async () => {
    await fc.assert(
      fc.asyncProperty(modelWorks, async ({ program, work, needs }) => {
        // The program's own order is always possible.
        const names = program.operations.map(({ name }) => name);
        const constraints = names.slice(1).map((then, k) => ({ kind: 'before' as const, first: names[k], then }));
        const { order } = await make().schedule(program, work, needs, testContext({ constraints }));
        const operations = Array.from(order, (task) => work.tasks[task].operation);
        expect(operations).toEqual([...operations].sort((a, b) => a - b));
      }),
      { numRuns: 40 },
    );
  });

  it('gives the same schedule for the same input', async () => {
    await fc.assert(
      fc.asyncProperty(works, async ({ program, work, needs }) => {
        const [a, b] = [
          await make().schedule(program, work, needs, testContext()),
          await make().schedule(program, work, needs, testContext()),
        ];
        expect(a).toEqual(b);
      }),
      { numRuns: 40 },
    );
  });
}
