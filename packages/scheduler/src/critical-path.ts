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
import { listInRoom } from './list-in-room.js';
import { type MemoryModel, memoryModel } from './memory-model.js';
import { MAX_CUTS, minPeakOrder } from './min-peak.js';
import { withOrdersThrough } from './orders-through.js';
import { inTurns } from './program-order.js';
import { fitsThroughout } from './room.js';
import { limitedSpaces, type Spaces } from './spaces.js';
import { costOfTask } from './task-cost.js';

export const criticalPathOptions = noOptions;

/**
 * Shortest time: of the ready tasks the one with the longest way to the end goes first, to the engine that can start it first. The
 * upward rank of HEFT (Topcuoglu, Hariri & Wu 2002, section 4) with the task's share of its operation's MACs, or its cycles from a
 * trace, as cost. Where a space has a limit, memory is a constraint: a task that would exceed it waits while another ready one fits, and
 * where that leads nowhere the order of `min-peak` is taken, if it fits. O((tasks + edges) log tasks) without limits.
 */
@injectable()
export class CriticalPathScheduler implements Scheduler {
  schedule(program: Program, work: Decomposition, needs: Dependences, context: Context): Schedule {
    const graph = taskGraph(program, work, needs, withOrdersThrough(program, work, context));
    const cost = costOfTask(program, work);
    const rank = upwardRanks(graph, cost);
    const before = (a: number, b: number): boolean => rank[a] > rank[b] || (rank[a] === rank[b] && a < b);
    const spaces = limitedSpaces(program, work, context);
    const order = spaces
      ? inRoom(graph, memoryModel(program, work, context), spaces, before, (model) => minPeakOrder(graph, model, work, context, MAX_CUTS))
      : listSchedule(graph, new TaskHeap(before), (heap) => heap.pop());
    return assignEngines(order, graph, program, context, () => cost);
  }
}

/** Of a limit, what live bytes may fill: placement needs some 8 % more than lives at once on banded models, and more where it is full. */
const FILLED = 0.9;

/** The list order within the limits; where it cannot keep to them and the order of fewest live bytes can, that one. */
function inRoom(
  graph: TaskGraph,
  model: MemoryModel,
  spaces: Spaces,
  before: (a: number, b: number) => boolean,
  fewest: (model: MemoryModel) => Int32Array,
): Int32Array {
  const most = { ...spaces, limits: spaces.limits.map((limit) => FILLED * limit) };
  const order = listInRoom(graph, model, most, before);
  if (fitsThroughout(model, most, order)) return order;
  const other = fewest(model);
  return fitsThroughout(model, spaces, other) ? other : listInRoom(graph, model, spaces, before);
}

/** Cost of the longest path from each task to the end, its own included. */
function upwardRanks(graph: TaskGraph, cost: Float64Array): Float64Array {
  const rank = new Float64Array(graph.tasks);
  const order = inTurns(graph);
  for (let position = order.length - 1; position >= 0; position--) {
    const task = order[position];
    let longest = 0;
    for (let e = graph.out[task]; e < graph.out[task + 1]; e++) longest = Math.max(longest, rank[graph.to[e]]);
    rank[task] = longest + cost[task];
  }
  return rank;
}
