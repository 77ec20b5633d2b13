import type { TaskGraph } from '../graph.js';
import type { MemoryModel } from '../memory-model.js';

/** Which tasks touch each region: `task[row[r]] … task[row[r + 1] - 1]`, ascending. */
export interface Touchers {
  readonly row: Int32Array;
  readonly task: Int32Array;
}

/** The dependences of a task graph, both ways; what searches need of it. */
export type Arcs = Pick<TaskGraph, 'tasks' | 'row' | 'from' | 'out' | 'to'>;

/**
 * A set of tasks to be ordered so that few bytes are live: a whole program, or the tasks of a stretch of some order with everything
 * around them fixed. The tasks stand in a legal order.
 */
export interface Problem {
  readonly arcs: Arcs;
  readonly model: MemoryModel;
  /** Bytes that live all the while and that no task of the problem touches. */
  readonly base: number;
}

export function touchersOf({ row, region, bytes }: MemoryModel): Touchers {
  const start = new Int32Array(bytes.length + 1);
  for (const r of region) start[r + 1]++;
  for (let r = 0; r < bytes.length; r++) start[r + 1] += start[r];
  const next = start.slice(0, bytes.length);
  const task = new Int32Array(region.length);
  for (let t = 0; t + 1 < row.length; t++) for (let e = row[t]; e < row[t + 1]; e++) task[next[region[e]]++] = t;
  return { row: start, task };
}

/**
 * Cuts stretches out of an order. What is live before and after a stretch depends on which tasks stand in it, not on how, so a stretch
 * may be ordered anew alone, and the peak of the whole is the highest of its stretches.
 */
export class Stretches {
  private readonly local: Int32Array;

  constructor(
    private readonly arcs: Arcs,
    private readonly model: MemoryModel,
    private readonly touchers: Touchers,
  ) {
    this.local = new Int32Array(model.bytes.length).fill(-1);
  }

  /**
   * The tasks at `order[first] … order[last - 1]`, numbered from 0 in that order. `place` is the position of every task, `live` the bytes
   * that are live before `first`. O(touches of the stretch × tasks that touch the same regions).
   */
  cut(order: ArrayLike<number>, place: Int32Array, first: number, last: number, live: number): Problem {
    const { model, touchers, local } = this;
    const tasks = last - first;
    const regions: number[] = [];
    const row = new Int32Array(tasks + 1);
    const region: number[] = [];
    for (let k = 0; k < tasks; k++) {
      const t = order[first + k];
      for (let e = model.row[t]; e < model.row[t + 1]; e++) {
        const r = model.region[e];
        if (local[r] < 0) local[r] = regions.push(r) - 1;
        region.push(local[r]);
      }
      row[k + 1] = region.length;
    }
    const uses = new Int32Array(regions.length);
    const before = new Uint8Array(regions.length);
    const after = new Uint8Array(regions.length);
    let base = live;
    regions.forEach((r, k) => {
      before[k] = model.before[r];
      after[k] = model.after[r];
      for (let e = touchers.row[r]; e < touchers.row[r + 1]; e++) {
        const at = place[touchers.task[e]];
        if (at < first) before[k] = 1;
        else if (at >= last) after[k] = 1;
        else uses[k]++;
      }
      if (before[k]) base -= model.bytes[r];
    });
    const inPlace = (side: Int32Array): Int32Array =>
      Int32Array.from({ length: tasks }, (_, k) => (side[order[first + k]] < 0 ? -1 : local[side[order[first + k]]]));
    const problem: Problem = {
      arcs: this.arcsOf(order, place, first, last),
      model: {
        row,
        region: Int32Array.from(region),
        bytes: Float64Array.from(regions, (r) => model.bytes[r]),
        uses,
        before,
        after,
        scratch: Float64Array.from({ length: tasks }, (_, k) => model.scratch[order[first + k]]),
        inPlaceFrom: inPlace(model.inPlaceFrom),
        inPlaceTo: inPlace(model.inPlaceTo),
      },
      base,
    };
    for (const r of regions) local[r] = -1;
    return problem;
  }

  private arcsOf(order: ArrayLike<number>, place: Int32Array, first: number, last: number): Arcs {
    const within = (row: Int32Array, list: Int32Array): readonly [Int32Array, Int32Array] => {
      const newRow = new Int32Array(last - first + 1);
      const entries: number[] = [];
      for (let k = first; k < last; k++) {
        const t = order[k];
        for (let e = row[t]; e < row[t + 1]; e++) {
          const at = place[list[e]];
          if (at >= first && at < last) entries.push(at - first);
        }
        newRow[k - first + 1] = entries.length;
      }
      return [newRow, Int32Array.from(entries)];
    };
    const [row, from] = within(this.arcs.row, this.arcs.from);
    const [out, to] = within(this.arcs.out, this.arcs.to);
    return { tasks: last - first, row, from, out, to };
  }
}

/** Position of every task in an order. */
export function placesOf(order: ArrayLike<number>): Int32Array {
  const place = new Int32Array(order.length);
  for (let k = 0; k < order.length; k++) place[order[k]] = k;
  return place;
}
