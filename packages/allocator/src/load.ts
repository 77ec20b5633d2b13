import type { Packing } from '@regrain/core-ir';
import { ascending } from './ascending.js';
import { type Group, groupsOf } from './groups.js';

export interface Load {
  /** The most bytes that live at once: no packing is lower. */
  readonly bytes: number;
  /** When. */
  readonly at: number;
}

/** Live bytes over time; buffers tied together count once where they live at the same time. O(n log n). */
export function loadOf(groups: readonly Group[]): Load {
  const times: number[] = [];
  const change: number[] = [];
  for (const group of groups) {
    for (const { first, last, bytes } of group.pieces.length === 1 ? group.pieces : disjoint(group)) {
      times.push(first, last + 1);
      change.push(bytes, -bytes);
    }
  }
  // What ends at a time is gone before anything begins.
  const order = ascending(Float64Array.from(times, (time, k) => 2 * time + (change[k] > 0 ? 1 : 0)));
  let live = 0;
  let most: Load = { bytes: 0, at: 0 };
  for (const k of order) {
    live += change[k];
    if (live > most.bytes) most = { bytes: live, at: times[k] };
  }
  return most;
}

/** The pieces of a group as spans of time with the largest piece that lives then. */
function disjoint({ pieces }: Group): { first: number; last: number; bytes: number }[] {
  const cuts = [...new Set(pieces.flatMap(({ first, last }) => [first, last + 1]))].sort((a, b) => a - b);
  return cuts.slice(1).map((end, k) => {
    const first = cuts[k];
    const bytes = pieces.reduce((most, piece) => (piece.first <= first && end - 1 <= piece.last ? Math.max(most, piece.bytes) : most), 0);
    return { first, last: end - 1, bytes };
  });
}

/** The most bytes that live at once: a lower bound of every packing's height. */
export function loadBound(packing: Packing): number {
  return loadOf(groupsOf(packing)).bytes;
}
