import type { Decomposition, Region, Task } from '../ir/decomposition.js';
import { indexRegions } from './region-index.js';

/**
 * The regions that each task touches, each once, in compressed sparse rows: task t touches `region[row[t]] … region[row[t + 1] - 1]`;
 * `how` is a bit set of READS and WRITES (an accumulate is both).
 */
export interface Touches {
  readonly row: Int32Array;
  readonly region: Int32Array;
  readonly how: Uint8Array;
}

export const READS = 1;
export const WRITES = 2;

/** O(accesses × hits), once for a work. `skip` leaves out instances by id (constants, for most uses). */
export function touchedRegions(work: Decomposition, skip?: (instance: number) => boolean): Touches {
  const all = allTouches(work);
  if (!skip) return { ...all };
  const skipped = new Uint8Array(work.instances.length);
  let any = false;
  for (let i = 0; i < skipped.length; i++) {
    if (!skip(i)) continue;
    skipped[i] = 1;
    any = true;
  }
  return any ? without(work, all, skipped) : { ...all };
}

function without(work: Decomposition, { row, region, how }: Touches, skipped: Uint8Array): Touches {
  const { instanceOf } = indexRegions(work);
  const keptRow = new Int32Array(row.length);
  const keptRegion = new Int32Array(region.length);
  const keptHow = new Uint8Array(region.length);
  let count = 0;
  for (let t = 0; t + 1 < row.length; t++) {
    for (let e = row[t]; e < row[t + 1]; e++) {
      if (skipped[instanceOf[region[e]]]) continue;
      keptRegion[count] = region[e];
      keptHow[count++] = how[e];
    }
    keptRow[t + 1] = count;
  }
  return { row: keptRow, region: keptRegion.slice(0, count), how: keptHow.slice(0, count) };
}

const known = new WeakMap<readonly Task[], { readonly regions: readonly Region[]; readonly touches: Touches }>();

function allTouches(work: Decomposition): Touches {
  const before = known.get(work.tasks);
  if (before?.regions === work.regions) return before.touches;
  const touches = findTouches(work);
  known.set(work.tasks, { regions: work.regions, touches });
  return touches;
}

function findTouches(work: Decomposition): Touches {
  const indexes = indexRegions(work);
  const row = new Int32Array(work.tasks.length + 1);
  // An entry per access, where regions are as large as what is accessed. Grown by hand: of millions of entries, lists of numbers would be
  // copied and collected all the time.
  let accesses = 0;
  for (let t = 0; t < work.tasks.length; t++) accesses += work.tasks[t].accesses.length;
  let region = new Int32Array(Math.max(16, accesses));
  let how = new Uint8Array(region.length);
  const stamp = new Int32Array(work.regions.length).fill(-1);
  let count = 0;
  let start = 0;
  let bits = 0;
  const touch = (id: number): void => {
    if (stamp[id] >= start) {
      how[stamp[id]] |= bits;
      return;
    }
    if (count === region.length) {
      const [wider, longer] = [new Int32Array(2 * count), new Uint8Array(2 * count)];
      wider.set(region);
      longer.set(how);
      [region, how] = [wider, longer];
    }
    stamp[id] = count;
    region[count] = id;
    how[count++] = bits;
  };
  for (let t = 0; t < work.tasks.length; t++) {
    start = count;
    for (const { instance, mode, box } of work.tasks[t].accesses) {
      bits = mode === 'read' ? READS : mode === 'write' ? WRITES : READS | WRITES;
      indexes.forEach(instance, box, touch);
    }
    row[t + 1] = count;
  }
  return count === region.length ? { row, region, how } : { row, region: region.slice(0, count), how: how.slice(0, count) };
}
