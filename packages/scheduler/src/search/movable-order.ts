import { Downset } from './downset.js';
import { MaxTree } from './max-tree.js';
import { type Problem, placesOf, Stretches, type Touchers, touchersOf } from './problem.js';

/**
 * An order that changes stretch by stretch, with the bytes live during each position. What stands outside of a stretch does not notice
 * how it is ordered, so a change costs O(touches of the stretch × tasks that touch the same regions + log tasks).
 */
export class MovableOrder {
  readonly order: Int32Array;
  readonly place: Int32Array;
  /** Bytes live during each position, and before it. */
  readonly during: Float64Array;
  readonly before: Float64Array;
  private readonly peaks: MaxTree;
  private readonly touchers: Touchers;
  private readonly stretches: Stretches;
  /** Of the stretch that was tried last: bytes live during and before its positions. */
  readonly triedDuring: Float64Array;
  private readonly triedBefore: Float64Array;
  private readonly left: Int32Array;
  private readonly stamp: Int32Array;
  private now = 0;

  constructor(
    private readonly problem: Problem,
    start: Int32Array,
  ) {
    const { arcs, model } = problem;
    this.order = start.slice();
    this.place = placesOf(start);
    this.during = new Float64Array(start.length);
    this.before = new Float64Array(start.length);
    this.triedDuring = new Float64Array(start.length);
    this.triedBefore = new Float64Array(start.length);
    const set = new Downset(problem);
    start.forEach((task, k) => {
      set.preview(task);
      this.during[k] = set.during;
      this.before[k] = set.live;
      set.run(task);
    });
    this.peaks = new MaxTree(this.during);
    this.touchers = touchersOf(model);
    this.stretches = new Stretches(arcs, model, this.touchers);
    this.left = new Int32Array(model.bytes.length);
    this.stamp = new Int32Array(model.bytes.length);
  }

  get peak(): number {
    return this.peaks.greatest;
  }

  get peakAt(): number {
    return this.peaks.at;
  }

  /** The stretch as a problem of its own; its tasks are numbered by their positions. */
  stretch(first: number, last: number): Problem {
    return this.stretches.cut(this.order, this.place, first, last, this.before[first]);
  }

  /** Positions, both included, to which the task at a position may move. */
  range(position: number): readonly [number, number] {
    const { row, from, out, to } = this.problem.arcs;
    const task = this.order[position];
    let low = 0;
    let high = this.order.length - 1;
    for (let e = row[task]; e < row[task + 1]; e++) low = Math.max(low, this.place[from[e]] + 1);
    for (let e = out[task]; e < out[task + 1]; e++) high = Math.min(high, this.place[to[e]] - 1);
    return [low, high];
  }

  /** Works out `triedDuring` for `tasks` at positions `first …`, which hold the same tasks in another order. */
  try(tasks: ArrayLike<number>, first: number): void {
    const { row, region, bytes, uses, before, after, scratch, inPlaceFrom, inPlaceTo } = this.problem.model;
    const { left, stamp, touchers, place } = this;
    const now = ++this.now;
    let live = this.before[first];
    for (let k = 0; k < tasks.length; k++) {
      const task = tasks[k];
      let opened = 0;
      let closed = 0;
      for (let e = row[task]; e < row[task + 1]; e++) {
        const r = region[e];
        if (stamp[r] !== now) {
          stamp[r] = now;
          let count = 0;
          for (let u = touchers.row[r]; u < touchers.row[r + 1]; u++) if (place[touchers.task[u]] >= first) count++;
          left[r] = count;
        }
        if (left[r] === uses[r] && !before[r]) opened += bytes[r];
        if (left[r] === 1 && !after[r]) closed += bytes[r];
      }
      let during = live + opened + scratch[task];
      const from = inPlaceFrom[task];
      if (from >= 0 && left[from] === 1 && !after[from]) {
        const to = inPlaceTo[task];
        if (left[to] === uses[to] && !before[to]) during -= bytes[from];
      }
      this.triedDuring[first + k] = during;
      this.triedBefore[first + k] = live;
      live += opened - closed;
      for (let e = row[task]; e < row[task + 1]; e++) left[region[e]]--;
    }
  }

  /** Makes the stretch that was tried last the order's. */
  take(tasks: ArrayLike<number>, first: number): void {
    for (let k = 0; k < tasks.length; k++) {
      const at = first + k;
      this.order[at] = tasks[k];
      this.place[tasks[k]] = at;
      this.during[at] = this.triedDuring[at];
      this.before[at] = this.triedBefore[at];
      this.peaks.set(at, this.during[at]);
    }
  }
}
