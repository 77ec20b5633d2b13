import type { Box, Decomposition, RegionIndexes } from '@regrain/core-ir';
import type { Touches } from './touches.js';

/** Pairs of regions of one instance that share a face, and how many tasks touch both; pairs that no task touches are left out. */
export function countCoaccess(work: Decomposition, indexes: RegionIndexes, touches: Touches): [a: number, b: number, tasks: number][] {
  const { row, other } = neighbours(work, indexes);
  const count = new Int32Array(other.length);
  const touchedBy = new Int32Array(work.regions.length).fill(-1);
  const countedBy = new Int32Array(work.regions.length).fill(-1);
  for (let t = 0; t < work.tasks.length; t++) {
    const from = touches.row[t];
    const to = touches.row[t + 1];
    for (let k = from; k < to; k++) touchedBy[touches.region[k]] = t;
    for (let k = from; k < to; k++) {
      const region = touches.region[k];
      // A task that reaches a region by two operands counts once.
      if (countedBy[region] === t) continue;
      countedBy[region] = t;
      for (let n = row[region]; n < row[region + 1]; n++) if (touchedBy[other[n]] === t) count[n]++;
    }
  }
  const pairs: [number, number, number][] = [];
  for (let a = 0; a < work.regions.length; a++) {
    for (let n = row[a]; n < row[a + 1]; n++) if (count[n] > 0) pairs.push([a, other[n], count[n]]);
  }
  return pairs;
}

/** Per region the later regions of its instance that touch it along exactly one dimension and overlap it along all others. */
function neighbours(work: Decomposition, indexes: RegionIndexes): { row: Int32Array; other: Int32Array } {
  const row = new Int32Array(work.regions.length + 1);
  const other: number[] = [];
  for (let a = 0; a < work.regions.length; a++) {
    const { instance, box } = work.regions[a];
    const grown = box.map(([lo, hi]) => [lo - 1, hi + 1] as const);
    indexes.forEach(instance, grown, (b, boxB) => {
      if (b > a && faces(box, boxB) === 1) other.push(b);
    });
    row[a + 1] = other.length;
  }
  return { row, other: Int32Array.from(other) };
}

function faces(a: Box, b: Box): number {
  let count = 0;
  for (let d = 0; d < a.length; d++) if (b[d][0] === a[d][1] || b[d][1] === a[d][0]) count++;
  return count;
}
