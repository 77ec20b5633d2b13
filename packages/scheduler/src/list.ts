import type { TaskGraph } from './graph.js';
import type { TaskHeap } from './heap.js';

/**
 * List scheduling: runs ready tasks one after the other. `ready` holds those whose predecessors have run; `pick` takes one of them
 * out. O((tasks + edges) log tasks) with a heap.
 */
export function listSchedule(graph: TaskGraph, ready: TaskHeap, pick: (ready: TaskHeap) => number): Int32Array {
  const waits = new Int32Array(graph.tasks);
  for (let t = 0; t < graph.tasks; t++) {
    waits[t] = graph.row[t + 1] - graph.row[t];
    if (waits[t] === 0) ready.push(t);
  }
  const order = new Int32Array(graph.tasks);
  for (let position = 0; position < graph.tasks; position++) {
    const task = pick(ready);
    order[position] = task;
    for (let e = graph.out[task]; e < graph.out[task + 1]; e++) if (--waits[graph.to[e]] === 0) ready.push(graph.to[e]);
  }
  return order;
}
