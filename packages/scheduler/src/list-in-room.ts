import type { TaskGraph } from './graph.js';
import { TaskHeap } from './heap.js';
import type { MemoryModel } from './memory-model.js';
import { Room } from './room.js';
import type { Spaces } from './spaces.js';

/** Where nothing fits, so many tasks are looked at for the one that exceeds least. */
const LOOKED_AT = 1024;

/**
 * List scheduling with memory as a constraint: of the ready tasks that fit into every space, the first by `before`. Tasks that do not fit
 * wait until there may be room; where no ready task fits, the one that exceeds the limits least runs, for nothing else can. O((tasks +
 * dependences) log tasks) and a look at every waiting task whenever there may be room.
 */
export function listInRoom(
  graph: Pick<TaskGraph, 'tasks' | 'row' | 'out' | 'to'>,
  model: MemoryModel,
  spaces: Spaces,
  before: (a: number, b: number) => boolean,
): Int32Array {
  const room = new Room(model, spaces);
  const ready = new TaskHeap(before);
  let waiting: number[] = [];
  const waits = new Int32Array(graph.tasks);
  for (let t = 0; t < graph.tasks; t++) {
    waits[t] = graph.row[t + 1] - graph.row[t];
    if (waits[t] === 0) ready.push(t);
  }
  const order = new Int32Array(graph.tasks);
  for (let position = 0; position < graph.tasks; position++) {
    let task = -1;
    while (task < 0 && ready.size > 0) {
      const first = ready.pop();
      if (room.excess(first) === 0) task = first;
      else waiting.push(first);
    }
    if (task < 0) task = takeLeast(waiting, room, before);
    order[position] = task;
    if (room.run(task)) {
      for (const each of waiting) ready.push(each);
      waiting = [];
    }
    for (let e = graph.out[task]; e < graph.out[task + 1]; e++) if (--waits[graph.to[e]] === 0) ready.push(graph.to[e]);
  }
  return order;
}

function takeLeast(waiting: number[], room: Room, before: (a: number, b: number) => boolean): number {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let k = 0; k < Math.min(waiting.length, LOOKED_AT); k++) {
    const excess = room.excess(waiting[k]);
    if (excess < least || (excess === least && before(waiting[k], waiting[best]))) [best, least] = [k, excess];
  }
  const task = waiting[best];
  waiting[best] = waiting[waiting.length - 1];
  waiting.pop();
  return task;
}
