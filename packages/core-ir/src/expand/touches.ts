import type { Decomposition } from '../ir/decomposition.js';
import { indexRegions, type RegionIndex } from './region-index.js';

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

/** O(accesses × hits). `skip` leaves out instances by id (constants, for most uses). */
export function touchedRegions(
  work: Decomposition,
  skip?: (instance: number) => boolean,
  indexes: readonly RegionIndex[] = indexRegions(work),
): Touches {
  const row = new Int32Array(work.tasks.length + 1);
  // Grown by hand: of millions of entries, lists of numbers would be copied and collected all the time.
  let region = new Int32Array(Math.max(16, 2 * work.tasks.length));
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
  work.tasks.forEach(({ accesses }, t) => {
    start = count;
    for (const { instance, mode, box } of accesses) {
      if (skip?.(instance)) continue;
      bits = mode === 'read' ? READS : mode === 'write' ? WRITES : READS | WRITES;
      indexes[instance].forEach(box, touch);
    }
    row[t + 1] = count;
  });
  return { row, region: region.slice(0, count), how: how.slice(0, count) };
}
