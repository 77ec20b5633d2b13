import {
  type Context,
  type Decomposition,
  type Dependences,
  PluginOptions,
  type Program,
  type Schedule,
  type Scheduler,
  successors,
} from '@regrain/core-ir';
import { inject, injectable } from 'inversify';
import { z } from 'zod';

export const deepestFirstOptions = z.strictObject({
  tie: z.enum(['early', 'late']).default('early').describe('of two ready tasks of the same operation, which is taken'),
});

/** Of the ready tasks, always one of the operation furthest down the program: values are used as soon as they can be. */
@injectable()
export class DeepestFirst implements Scheduler {
  constructor(@inject(PluginOptions) private readonly options: z.output<typeof deepestFirstOptions>) {}

  schedule(_program: Program, work: Decomposition, needs: Dependences, { machine }: Context): Schedule {
    const tasks = work.tasks.length;
    const { row, to } = successors(needs);
    const missing = Int32Array.from({ length: tasks }, (_, t) => needs.row[t + 1] - needs.row[t]);
    // Ready tasks in a stack per operation; the deepest that is not empty is served.
    const ready: number[][] = [];
    let deepest = -1;
    const makeReady = (task: number): void => {
      const { operation } = work.tasks[task];
      (ready[operation] ??= []).push(task);
      deepest = Math.max(deepest, operation);
    };
    for (let t = tasks - 1; t >= 0; t--) if (missing[t] === 0) makeReady(t);
    const order = new Int32Array(tasks);
    for (let i = 0; i < tasks; i++) {
      while (!ready[deepest]?.length) deepest--;
      const task = this.options.tie === 'early' ? takeLeast(ready[deepest]) : ready[deepest].pop()!;
      order[i] = task;
      for (let e = row[task]; e < row[task + 1]; e++) if (--missing[to[e]] === 0) makeReady(to[e]);
    }
    const engine = machine.engines.findIndex(({ runs }) => runs === 'tasks');
    return { order, engine: new Uint8Array(tasks).fill(engine) };
  }
}

function takeLeast(stack: number[]): number {
  let at = 0;
  for (let i = 1; i < stack.length; i++) if (stack[i] < stack[at]) at = i;
  return stack.splice(at, 1)[0];
}
