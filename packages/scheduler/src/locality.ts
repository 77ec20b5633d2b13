import {
  type Context,
  type Decomposition,
  type Dependences,
  PluginOptions,
  type Program,
  ReuseMeter,
  type Schedule,
  type Scheduler,
} from '@regrain/core-ir';
import { inject, injectable } from 'inversify';
import { z } from 'zod';
import { assignEngines } from './engines.js';
import { type TaskGraph, taskGraph } from './graph.js';
import { TaskHeap } from './heap.js';
import { type MemoryModel, memoryModel } from './memory-model.js';
import { MAX_CUTS, minPeakOrder } from './min-peak.js';
import { withOrdersThrough } from './orders-through.js';
import { inTurns } from './program-order.js';
import { macsOfTask } from './task-cost.js';

export const localityOptions = z.strictObject({
  window: z
    .number()
    .int()
    .min(1)
    .default(16)
    .describe('ready tasks that are looked at for the next one, of those ready last and of the first in program order each'),
});

/**
 * Most reuse inside regions: the order of the least mean reuse distance (`reuseDistance`) among three: affinity, where the next task is the
 * ready one whose regions were touched most recently, weighted by bytes, and which opens the fewest new bytes; the order of `min-peak`;
 * and program order. O(tasks × window × regions per task), and O(n log n) to measure n accesses.
 */
@injectable()
export class LocalityScheduler implements Scheduler {
  constructor(@inject(PluginOptions) private readonly options: z.infer<typeof localityOptions>) {}

  schedule(program: Program, work: Decomposition, needs: Dependences, context: Context): Schedule {
    const graph = taskGraph(program, work, needs, withOrdersThrough(program, work, context));
    const model = memoryModel(program, work, context);
    const meter = new ReuseMeter(model, model.bytes);
    const measured: Int32Array[] = [];
    let best: Int32Array | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const order of [
      byAffinity(graph, model, this.options.window),
      minPeakOrder(graph, model, work, context, MAX_CUTS),
      inTurns(graph),
    ]) {
      context.signal.throwIfAborted();
      if (measured.some((other) => other.every((task, position) => task === order[position]))) continue;
      measured.push(order);
      const { meanBytes } = meter.of(order);
      if (meanBytes < least) [best, least] = [order, meanBytes];
    }
    return assignEngines(best as Int32Array, graph, program, context, () => macsOfTask(program, work));
  }
}

function byAffinity(graph: TaskGraph, model: MemoryModel, window: number): Int32Array {
  const touchedAt = new Int32Array(model.bytes.length).fill(-1);
  const waits = new Int32Array(graph.tasks);
  const done = new Uint8Array(graph.tasks);
  // Every ready task is in both: what was ready last is next to what ran last; program order keeps the rest from waiting for ever.
  const latest: number[] = [];
  const first = new TaskHeap((a, b) => a < b);
  for (let t = 0; t < graph.tasks; t++) {
    waits[t] = graph.row[t + 1] - graph.row[t];
    if (waits[t] === 0) first.push(t);
  }
  const order = new Int32Array(graph.tasks);
  const early: number[] = [];
  const late: number[] = [];
  for (let now = 0; now < graph.tasks; now++) {
    early.length = 0;
    while (first.size > 0 && early.length < window) {
      const task = first.pop();
      if (!done[task]) early.push(task);
    }
    late.length = 0;
    while (latest.length > 0 && late.length < window) {
      const task = latest.pop() as number;
      if (!done[task]) late.push(task);
    }
    let best = -1;
    let most = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < early.length + late.length; k++) {
      const task = k < early.length ? early[k] : late[k - early.length];
      const value = affinity(model, task, touchedAt, now);
      if (value > most || (value === most && task < best)) [best, most] = [task, value];
    }
    for (const task of early) if (task !== best) first.push(task);
    for (let k = late.length - 1; k >= 0; k--) if (late[k] !== best) latest.push(late[k]);
    order[now] = best;
    done[best] = 1;
    for (let e = model.row[best]; e < model.row[best + 1]; e++) touchedAt[model.region[e]] = now;
    for (let e = graph.out[best]; e < graph.out[best + 1]; e++) {
      const next = graph.to[e];
      if (--waits[next] > 0) continue;
      latest.push(next);
      first.push(next);
    }
  }
  return order;
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
