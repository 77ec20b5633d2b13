import type { Context, Program, Schedule } from '@regrain/core-ir';
import type { TaskGraph } from './graph.js';

/** The engines that run tasks, by position in the machine. */
function taskEngines({ machine }: Pick<Context, 'machine'>): number[] {
  return machine.engines.flatMap(({ runs }, id) => (runs === 'tasks' ? [id] : []));
}

/** The engines that may run each operation: the one that a trace names, else all that run tasks. Operations that may use the same share a list. */
function enginesOfOperations(program: Program, { machine }: Pick<Context, 'machine'>, all: readonly number[]): (readonly number[])[] {
  const named = new Map<string | undefined, readonly number[]>([[undefined, all]]);
  return program.operations.map(({ engine }) => {
    let list = named.get(engine);
    if (!list) {
      const own = all.filter((id) => machine.engines[id].name === engine);
      list = own.length > 0 ? own : all;
      named.set(engine, list);
    }
    return list;
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
  costs: () => Float64Array,
): Schedule {
  const all = taskEngines(context);
  if (all.length === 1) return { order, engine: new Uint8Array(order.length).fill(all[0]) };
  const allowed = enginesOfOperations(program, context, all);
  const cost = costs();
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
    end[task] = Math.max(ready, free[best]) + cost[task];
    free[best] = end[task];
  });
  return { order, engine };
}
