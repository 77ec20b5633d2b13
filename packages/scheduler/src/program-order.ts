import {
  type Context,
  type Decomposition,
  type Dependences,
  noOptions,
  type Program,
  type Schedule,
  type Scheduler,
} from '@regrain/core-ir';
import { injectable } from 'inversify';
import { assignEngines } from './engines.js';
import { runsAsNumbered, type TaskGraph, taskGraph } from './graph.js';
import { TaskHeap } from './heap.js';
import { listSchedule } from './list.js';
import { withOrdersThrough } from './orders-through.js';
import { macsOfTask } from './task-cost.js';

export const programOrderOptions = noOptions;

/** As the program stands, operation by operation; only a `before` constraint moves anything. The baseline of every comparison. */
@injectable()
export class ProgramOrderScheduler implements Scheduler {
  schedule(program: Program, work: Decomposition, needs: Dependences, context: Context): Schedule {
    const graph = taskGraph(program, work, needs, withOrdersThrough(program, work, context));
    const order = inTurns(graph);
    return assignEngines(order, graph, program, context, () => macsOfTask(program, work));
  }
}

/** Of the tasks that can run, always the first as the program stands. */
export function inTurns(graph: TaskGraph): Int32Array {
  if (runsAsNumbered(graph)) return asNumbered(graph.tasks);
  return listSchedule(graph, new TaskHeap((a, b) => a < b), (ready) => ready.pop());
}

function asNumbered(tasks: number): Int32Array {
  const order = new Int32Array(tasks);
  for (let t = 0; t < tasks; t++) order[t] = t;
  return order;
}
