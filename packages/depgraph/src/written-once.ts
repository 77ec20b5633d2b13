import { type Box, type Decomposition, overlaps, RegionIndex } from '@regrain/core-ir';

/**
 * Instances that need no history: all that is read of them was written before, once. Their dependences are RAW alone: from whoever wrote
 * a part to each reader of it.
 */
export class WrittenOnce {
  /** By instance, the task of its only write; -1: not such an instance. */
  private readonly writer: Int32Array;
  /** By instance, what that task writes of it. */
  private readonly written: (Box | undefined)[];
  /** By instance whose writes form a grid: the tasks by what they write. */
  private readonly grids: ReadonlyMap<number, RegionIndex>;

  constructor(work: Decomposition) {
    const instances = work.instances.length;
    this.writer = new Int32Array(instances).fill(-1);
    this.written = new Array(instances).fill(undefined);
    const counts = new Int32Array(instances);
    // 1: read before it was all written, or accumulated.
    const mixed = new Uint8Array(instances);
    const seen = new Uint8Array(instances);
    const several = new Map<number, { readonly tasks: number[]; readonly boxes: Box[] }>();
    for (let t = 0; t < work.tasks.length; t++) {
      const { accesses } = work.tasks[t];
      for (const { instance, mode, box } of accesses) {
        if (mode === 'read') {
          seen[instance] = 1;
          continue;
        }
        if (mode === 'accumulate' || seen[instance]) mixed[instance] = 1;
        if (++counts[instance] === 1) {
          this.writer[instance] = t;
          this.written[instance] = box;
        } else {
          let all = several.get(instance);
          if (!all) {
            all = { tasks: [this.writer[instance]], boxes: [this.written[instance] as Box] };
            several.set(instance, all);
          }
          all.tasks.push(t);
          all.boxes.push(box);
        }
      }
    }
    const grids = new Map<number, RegionIndex>();
    for (const [instance, { tasks, boxes }] of several) {
      this.writer[instance] = -1;
      this.written[instance] = undefined;
      if (mixed[instance]) continue;
      const index = new RegionIndex(tasks, boxes);
      if (index.isGrid) grids.set(instance, index);
    }
    for (let i = 0; i < instances; i++) if (mixed[i]) this.writer[i] = -1;
    this.grids = grids;
  }

  has(instance: number): boolean {
    return this.writer[instance] >= 0 || this.grids.has(instance);
  }

  /** Calls `visit` with every task that writes elements of the box; the reader may be one of them, whose reads come first. */
  writers(instance: number, box: Box, visit: (task: number) => void): void {
    const only = this.writer[instance];
    if (only < 0) this.grids.get(instance)?.forEach(box, visit);
    else if (overlaps(this.written[instance] as Box, box)) visit(only);
  }
}
