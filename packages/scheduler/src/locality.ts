import {
  type Context,
  type Decomposition,
  type Dependences,
  PluginOptions,
  type Program,
  type Schedule,
  type Scheduler,
} from '@regrain/core-ir';
import { inject, injectable } from 'inversify';
import { z } from 'zod';
import { assignEngines } from './engines.js';
import { taskGraph } from './graph.js';
import { TaskHeap } from './heap.js';
import { listSchedule } from './list.js';
import { type MemoryModel, memoryModel } from './memory-model.js';
import { macsOfTask } from './task-cost.js';

export const localityOptions = z.strictObject({
  window: z.number().int().min(1).default(16).describe('ready tasks, in program order, that are looked at for the next one'),
});

/**
 * Most reuse inside regions: the next task is the ready one whose regions were touched most recently, weighted by bytes, and which
 * opens the fewest new bytes. A greedy form of affinity list scheduling; O(tasks × window × regions per task).
 */
@injectable()
export class LocalityScheduler implements Scheduler {
  constructor(@inject(PluginOptions) private readonly options: z.infer<typeof localityOptions>) {}

  schedule(program: Program, work: Decomposition, needs: Dependences, context: Context): Schedule {
    const graph = taskGraph(program, work, needs, context);
    const model = memoryModel(program, work, context);
    const touchedAt = new Int32Array(model.bytes.length).fill(-1);
    let now = 0;
    const order = listSchedule(graph, new TaskHeap((a, b) => a < b), (ready) => {
      const task = this.choose(ready, model, touchedAt, now);
      for (let e = model.row[task]; e < model.row[task + 1]; e++) touchedAt[model.region[e]] = now;
      now++;
      return task;
    });
    return assignEngines(order, graph, program, context, macsOfTask(program, work));
  }

  private choose(ready: TaskHeap, model: MemoryModel, touchedAt: Int32Array, now: number): number {
    const seen: number[] = [];
    let best = -1;
    let most = Number.NEGATIVE_INFINITY;
    while (ready.size > 0 && seen.length < this.options.window) {
      const task = ready.pop();
      seen.push(task);
      const value = affinity(model, task, touchedAt, now);
      if (value > most) [best, most] = [task, value];
    }
    for (const task of seen) if (task !== best) ready.push(task);
    return best;
  }
}

/** Bytes touched before, less by their age; bytes opened anew count against the task. */
function affinity(model: MemoryModel, task: number, touchedAt: Int32Array, now: number): number {
  let value = 0;
  for (let e = model.row[task]; e < model.row[task + 1]; e++) {
    const r = model.region[e];
    value += touchedAt[r] < 0 ? -model.bytes[r] : model.bytes[r] / (now - touchedAt[r]);
  }
  return value;
}
