import type { TaskGraph } from './graph.js';
import type { MemoryModel } from './memory-model.js';

/**
 * The operations in an order in which each could run whole: as they stand, but for what a `before` constraint puts later. Undefined
 * where operations must take turns: then no order of whole operations is legal, though one of their tasks is. O(dependences).
 */
export function operationOrder({ start, row, from, operationOf, tasks }: TaskGraph): Int32Array | undefined {
  const operations = start.length - 1;
  const next: Set<number>[] = Array.from({ length: operations }, () => new Set());
  for (let t = 0; t < tasks; t++) {
    for (let e = row[t]; e < row[t + 1]; e++) {
      const before = operationOf[from[e]];
      if (before !== operationOf[t]) next[before].add(operationOf[t]);
    }
  }
  const missing = new Int32Array(operations);
  for (const list of next) for (const to of list) missing[to]++;
  const order: number[] = [];
  const done = new Uint8Array(operations);
  // The first that can, as the program stands; a `before` constraint makes few jumps back.
  for (let o = 0; o < operations; ) {
    if (done[o] || missing[o] > 0) {
      o++;
      continue;
    }
    done[o] = 1;
    order.push(o);
    let back = o + 1;
    for (const to of next[o]) if (--missing[to] === 0 && to < back) back = to;
    o = back;
  }
  return order.length === operations ? Int32Array.from(order) : undefined;
}

/** A graph and its model with the operations renumbered by their place in `order`. */
export interface Renumbered {
  readonly graph: TaskGraph;
  readonly model: MemoryModel;
  /** The old number of each task. */
  readonly task: Int32Array;
}

export function renumbered(graph: TaskGraph, model: MemoryModel, order: Int32Array): Renumbered {
  const { tasks, start } = graph;
  const task = new Int32Array(tasks);
  const place = new Int32Array(tasks);
  const newStart = new Int32Array(start.length);
  const operationOf = new Int32Array(tasks);
  let at = 0;
  order.forEach((operation, k) => {
    newStart[k] = at;
    for (let t = start[operation]; t < start[operation + 1]; t++) {
      task[at] = t;
      place[t] = at;
      operationOf[at++] = k;
    }
  });
  newStart[order.length] = at;
  const rows = (row: Int32Array, entries: Int32Array, of: (entry: number) => number): readonly [Int32Array, Int32Array] => {
    const newRow = new Int32Array(tasks + 1);
    const list = new Int32Array(entries.length);
    let end = 0;
    for (let t = 0; t < tasks; t++) {
      for (let e = row[task[t]]; e < row[task[t] + 1]; e++) list[end++] = of(entries[e]);
      newRow[t + 1] = end;
    }
    return [newRow, list];
  };
  const [row, from] = rows(graph.row, graph.from, (t) => place[t]);
  const [out, to] = rows(graph.out, graph.to, (t) => place[t]);
  const [touches, region] = rows(model.row, model.region, (r) => r);
  return {
    graph: { tasks, row, from, out, to, start: newStart, operationOf, of: order.map((operation) => graph.of[operation]) },
    model: {
      ...model,
      row: touches,
      region,
      scratch: model.scratch.map((_, t) => model.scratch[task[t]]),
      inPlaceFrom: model.inPlaceFrom.map((_, t) => model.inPlaceFrom[task[t]]),
      inPlaceTo: model.inPlaceTo.map((_, t) => model.inPlaceTo[task[t]]),
    },
    task,
  };
}
