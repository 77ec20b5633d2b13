import type { MemoryModel } from './memory-model.js';
import type { Spaces } from './spaces.js';

/** Live bytes of each space, task by task, and what a task would take beyond the limits. O(regions touched) each. */
export class Room {
  /** Live bytes per space. */
  readonly live: Float64Array;
  private readonly left: Int32Array;
  private readonly during: Float64Array;

  constructor(
    private readonly model: MemoryModel,
    private readonly spaces: Spaces,
  ) {
    this.left = model.uses.slice();
    this.live = new Float64Array(spaces.limits.length);
    this.during = new Float64Array(spaces.limits.length);
    for (let r = 0; r < model.bytes.length; r++) if (model.before[r]) this.live[spaces.of[r]] += model.bytes[r];
  }

  /** Bytes by which a ready task would exceed the limits of spaces while it runs, in sum; 0 if it fits. */
  excess(task: number): number {
    const { row, region, bytes, uses, before, after, scratch, inPlaceFrom, inPlaceTo } = this.model;
    const { left, live, during } = this;
    const { of, limits, working } = this.spaces;
    during.set(live);
    during[working] += scratch[task];
    for (let e = row[task]; e < row[task + 1]; e++) {
      const r = region[e];
      if (left[r] === uses[r] && !before[r]) during[of[r]] += bytes[r];
    }
    const from = inPlaceFrom[task];
    const to = inPlaceTo[task];
    if (from >= 0 && left[from] === 1 && !after[from] && left[to] === uses[to] && !before[to] && of[from] === of[to])
      during[of[from]] -= bytes[from];
    let over = 0;
    for (let s = 0; s < during.length; s++) if (during[s] > limits[s]) over += during[s] - limits[s];
    return over;
  }

  /** Runs it; true if another task may fit for that: bytes were let go, or of a region one last task is left, which may take its bytes. */
  run(task: number): boolean {
    const { row, region, bytes, uses, before, after } = this.model;
    const { left, live } = this;
    const { of } = this.spaces;
    let eased = false;
    for (let e = row[task]; e < row[task + 1]; e++) {
      const r = region[e];
      if (left[r] === uses[r] && !before[r]) live[of[r]] += bytes[r];
      left[r]--;
      if (after[r]) continue;
      if (left[r] <= 1) eased = true;
      if (left[r] === 0) live[of[r]] -= bytes[r];
    }
    return eased;
  }
}

/** Whether every task of an order fits. */
export function fitsThroughout(model: MemoryModel, spaces: Spaces, order: ArrayLike<number>): boolean {
  const room = new Room(model, spaces);
  for (let k = 0; k < order.length; k++) {
    if (room.excess(order[k]) > 0) return false;
    room.run(order[k]);
  }
  return true;
}
