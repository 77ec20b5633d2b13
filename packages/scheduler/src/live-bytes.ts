import type { MemoryModel } from './memory-model.js';

/** Follows the live bytes of an order task by task. `run` is O(regions touched); `undo`-free: copy to branch. */
export class LiveBytes {
  /** Bytes live after the tasks run so far. */
  live = 0;
  /** The most that were live during any of them. */
  peak = 0;
  private readonly left: Int32Array;
  private readonly there: Uint8Array;

  constructor(private readonly model: MemoryModel) {
    this.left = new Int32Array(model.uses.length);
    this.there = new Uint8Array(model.before.length);
    this.reset();
  }

  /** Back to before the first task. */
  reset(): void {
    const { uses, before, bytes } = this.model;
    this.left.set(uses);
    this.there.set(before);
    this.live = 0;
    for (let r = 0; r < before.length; r++) if (before[r]) this.live += bytes[r];
    this.peak = this.live;
  }

  /** Runs a task; returns the bytes that were live during it. */
  run(task: number): number {
    const { row, region, bytes, after, scratch, inPlaceFrom, inPlaceTo } = this.model;
    let during = this.live + scratch[task];
    const from = inPlaceFrom[task];
    const inPlace = from >= 0 && this.left[from] === 1 && !after[from] && !this.there[inPlaceTo[task]];
    for (let e = row[task]; e < row[task + 1]; e++) {
      const r = region[e];
      if (this.there[r]) continue;
      this.there[r] = 1;
      this.live += bytes[r];
      during += bytes[r];
    }
    if (inPlace) during -= bytes[from];
    if (during > this.peak) this.peak = during;
    for (let e = row[task]; e < row[task + 1]; e++) {
      const r = region[e];
      if (--this.left[r] === 0 && !after[r]) {
        this.there[r] = 0;
        this.live -= bytes[r];
      }
    }
    return during;
  }

  /** Bytes live during the task if it were next, and the change that it leaves, as `[during, after]` relative to now. */
  preview(task: number): readonly [during: number, change: number] {
    const { row, region, bytes, after, scratch, inPlaceFrom, inPlaceTo } = this.model;
    let opened = 0;
    let closed = 0;
    for (let e = row[task]; e < row[task + 1]; e++) {
      const r = region[e];
      if (!this.there[r]) opened += bytes[r];
      if (this.left[r] === 1 && !after[r]) closed += bytes[r];
    }
    const from = inPlaceFrom[task];
    const shared = from >= 0 && this.left[from] === 1 && !after[from] && !this.there[inPlaceTo[task]] ? bytes[from] : 0;
    return [opened - shared + scratch[task], opened - closed];
  }

  /** The state as arrays, to come back to with `restore`. */
  save(): { readonly live: number; readonly peak: number; readonly left: Int32Array; readonly there: Uint8Array } {
    return { live: this.live, peak: this.peak, left: this.left.slice(), there: this.there.slice() };
  }

  restore(state: ReturnType<LiveBytes['save']>): void {
    this.live = state.live;
    this.peak = state.peak;
    this.left.set(state.left);
    this.there.set(state.there);
  }
}

/** Peak of a whole order. */
export function peakOf(model: MemoryModel, order: ArrayLike<number>): number {
  const bytes = new LiveBytes(model);
  for (let k = 0; k < order.length; k++) bytes.run(order[k]);
  return bytes.peak;
}
