import type { Context, Program, Schedule } from '@regrain/core-ir';
import type { TaskGraph } from './graph.js';

/** The engines that run tasks, by position in the machine. */
export function taskEngines({ machine }: Pick<Context, 'machine'>): number[] {
  return machine.engines.flatMap(({ runs }, id) => (runs === 'tasks' ? [id] : []));
}

/** The engines that may run each operation: the one that a trace names, else all that run tasks. */
export function enginesOfOperations(program: Program, context: Pick<Context, 'machine'>): number[][] {
  const all = taskEngines(context);
  return program.operations.map(({ engine }) => {
    const named = all.filter((id) => context.machine.engines[id].name === engine);
    return named.length > 0 ? named : all;
  });
}

/**
 * Gives the tasks of an order their engines: each to the permitted engine that would start it first, counting `cost` per task
 * (list scheduling; with one engine, that one).
 */
export function assignEngines(
  order: Int32Array,
  graph: TaskGraph,
  program: Program,
  context: Pick<Context, 'machine'>,
  cost: (task: number) => number,
): Schedule {
  const allowed = enginesOfOperations(program, context);
  const engine = new Uint8Array(order.length);
  const free = new Float64Array(context.machine.engines.length);
  const end = new Float64Array(graph.tasks);
  order.forEach((task, position) => {
    let ready = 0;
    for (let e = graph.row[task]; e < graph.row[task + 1]; e++) ready = Math.max(ready, end[graph.from[e]]);
    let best = -1;
    for (const id of allowed[graph.of[graph.operationOf[task]]]) {
      if (best < 0 || Math.max(ready, free[id]) < Math.max(ready, free[best])) best = id;
    }
    engine[position] = best;
    end[task] = Math.max(ready, free[best]) + cost(task);
    free[best] = end[task];
  });
  return { order, engine };
}
