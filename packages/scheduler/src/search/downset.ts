import type { Problem } from './problem.js';

/**
 * A set of tasks that holds the predecessors of all its members, and the bytes live after them: both depend on the set alone, not on its
 * order. Tasks are run and taken back one at a time; O(regions touched + dependences).
 */
export class Downset {
  /** Per region, how many tasks that touch it have not run. */
  readonly left: Int32Array;
  /** Per task, how many predecessors have not run. */
  readonly waits: Int32Array;
  readonly done: Uint8Array;
  /** Bytes live now. */
  live: number;
  /** Of the last `preview`: bytes live during the task, and live after it. */
  during = 0;
  next = 0;

  constructor(readonly problem: Problem) {
    const { arcs, model, base } = problem;
    this.left = model.uses.slice();
    this.waits = new Int32Array(arcs.tasks);
    this.done = new Uint8Array(arcs.tasks);
    for (let t = 0; t < arcs.tasks; t++) this.waits[t] = arcs.row[t + 1] - arcs.row[t];
    this.live = base;
    for (let r = 0; r < model.bytes.length; r++) if (model.before[r]) this.live += model.bytes[r];
  }

  /** What running a ready task would give. */
  preview(task: number): void {
    const { row, region, bytes, uses, before, after, scratch, inPlaceFrom, inPlaceTo } = this.problem.model;
    const { left } = this;
    let opened = 0;
    let closed = 0;
    for (let e = row[task]; e < row[task + 1]; e++) {
      const r = region[e];
      if (left[r] === uses[r] && !before[r]) opened += bytes[r];
      if (left[r] === 1 && !after[r]) closed += bytes[r];
    }
    this.during = this.live + opened + scratch[task];
    this.next = this.live + opened - closed;
    const from = inPlaceFrom[task];
    if (from < 0 || left[from] !== 1 || after[from]) return;
    const to = inPlaceTo[task];
    if (left[to] === uses[to] && !before[to]) this.during -= bytes[from];
  }

  /** Runs a task that has just been previewed. */
  run(task: number): void {
    const { row, region } = this.problem.model;
    const { out, to } = this.problem.arcs;
    for (let e = row[task]; e < row[task + 1]; e++) this.left[region[e]]--;
    for (let e = out[task]; e < out[task + 1]; e++) this.waits[to[e]]--;
    this.done[task] = 1;
    this.live = this.next;
  }

  /** Takes back the task that ran last; `live` is what was live before it. */
  back(task: number, live: number): void {
    const { row, region } = this.problem.model;
    const { out, to } = this.problem.arcs;
    for (let e = row[task]; e < row[task + 1]; e++) this.left[region[e]]++;
    for (let e = out[task]; e < out[task + 1]; e++) this.waits[to[e]]++;
    this.done[task] = 0;
    this.live = live;
  }

  copyFrom(other: Downset): void {
    this.left.set(other.left);
    this.waits.set(other.waits);
    this.done.set(other.done);
    this.live = other.live;
  }
}

/** Peak of a problem's whole order. */
export function peakOfProblem(problem: Problem, order: ArrayLike<number>): number {
  const set = new Downset(problem);
  let peak = set.live;
  for (let k = 0; k < order.length; k++) {
    set.preview(order[k]);
    if (set.during > peak) peak = set.during;
    set.run(order[k]);
  }
  return peak;
}
