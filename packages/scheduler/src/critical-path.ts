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
import { type TaskGraph, taskGraph } from './graph.js';
import { TaskHeap } from './heap.js';
import { listSchedule } from './list.js';
import { shareOf } from './memory-model.js';

export const criticalPathOptions = noOptions;

/**
 * Shortest time: of the ready tasks the one with the longest way to the end goes first, to the engine that can start it first. The
 * upward rank of HEFT (Topcuoglu, Hariri & Wu 2002, section 4) with the task's share of its operation's MACs, or its cycles from a
 * trace, as cost. O((tasks + edges) log tasks).
 */
@injectable()
export class CriticalPathScheduler implements Scheduler {
  schedule(program: Program, work: Decomposition, needs: Dependences, context: Context): Schedule {
    const graph = taskGraph(program, work, needs, context);
    const cost = Float64Array.from(work.tasks, (task) => {
      const { cycles, macs } = program.operations[task.operation];
      return cycles ?? macs * shareOf(program, task) + 1;
    });
    const rank = upwardRanks(graph, cost);
    const ready = new TaskHeap((a, b) => rank[a] > rank[b] || (rank[a] === rank[b] && a < b));
    return assignEngines(
      listSchedule(graph, ready, (heap) => heap.pop()),
      graph,
      program,
      context,
      (task) => cost[task],
    );
  }
}

/** Cost of the longest path from each task to the end, its own included. Tasks are numbered in a legal order. */
function upwardRanks(graph: TaskGraph, cost: Float64Array): Float64Array {
  const rank = new Float64Array(graph.tasks);
  for (const task of reverseTopological(graph)) {
    let longest = 0;
    for (let e = graph.out[task]; e < graph.out[task + 1]; e++) longest = Math.max(longest, rank[graph.to[e]]);
    rank[task] = longest + cost[task];
  }
  return rank;
}

/** `before` constraints may point backwards in task numbers, so the numbers alone are no order. */
function reverseTopological(graph: TaskGraph): Int32Array {
  return listSchedule(graph, new TaskHeap((a, b) => a < b), (ready) => ready.pop()).reverse();
}
