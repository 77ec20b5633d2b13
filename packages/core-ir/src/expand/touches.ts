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
  const region: number[] = [];
  const how: number[] = [];
  const stamp = new Int32Array(work.regions.length).fill(-1);
  work.tasks.forEach((task, t) => {
    const start = region.length;
    for (const access of task.accesses) {
      if (skip?.(access.instance)) continue;
      const bits = access.mode === 'read' ? READS : access.mode === 'write' ? WRITES : READS | WRITES;
      indexes[access.instance].forEach(access.box, (id) => {
        if (stamp[id] >= start) how[stamp[id]] |= bits;
        else {
          stamp[id] = region.length;
          region.push(id);
          how.push(bits);
        }
      });
    }
    row[t + 1] = region.length;
  });
  return { row, region: Int32Array.from(region), how: Uint8Array.from(how) };
}
