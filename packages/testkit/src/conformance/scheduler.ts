import type { Scheduler } from '@regrain/core-ir';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { testContext } from './context.js';
import { modelWorks, type WorkExample, works } from './works.js';

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

  it('obeys an order against that of the program, where the program allows it', async () => {
    await fc.assert(
      fc.asyncProperty(modelWorks, fc.nat(), fc.nat(), async ({ program, work, needs }, a, b) => {
        const [first, then] = [a, b].map((k) => k % program.operations.length).toSorted((x, y) => y - x);
        fc.pre(first !== then && !depends(work, needs, first, then));
        const constraint = { kind: 'before' as const, first: program.operations[first].name, then: program.operations[then].name };
        const { order } = await make().schedule(program, work, needs, testContext({ constraints: [constraint] }));
        expect([...order].sort((x, y) => x - y)).toEqual(work.tasks.map((_, t) => t));
        const position = new Int32Array(order.length);
        order.forEach((task, i) => {
          position[task] = i;
        });
        for (let t = 0; t < order.length; t++) {
          for (let e = needs.row[t]; e < needs.row[t + 1]; e++) expect(position[needs.from[e]]).toBeLessThan(position[t]);
        }
        const of = (operation: number): number[] => work.tasks.flatMap((task, t) => (task.operation === operation ? [position[t]] : []));
        expect(Math.max(...of(first))).toBeLessThan(Math.min(...of(then)));
      }),
      { numRuns: 100 },
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

/** Whether any task of operation `late` needs, by whatever way, one of operation `early`. */
function depends({ tasks }: WorkExample['work'], { row, from }: WorkExample['needs'], late: number, early: number): boolean {
  const reached = new Uint8Array(tasks.length);
  return tasks.some(({ operation }, t) => {
    reached[t] = operation === early ? 1 : 0;
    for (let e = row[t]; e < row[t + 1]; e++) reached[t] |= reached[from[e]];
    return operation === late && reached[t] === 1;
  });
}
