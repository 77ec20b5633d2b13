import type { Packing } from '@regrain/core-ir';
import type { Work } from './asked.js';
import type { Group } from './groups.js';
import { Occupancy } from './occupancy.js';

/** `lowest`: the lowest place that fits; `tightest`: the smallest gap that fits, the top if none does. */
export type Fit = 'lowest' | 'tightest';

/** The order of time; of what begins together, the largest first. */
export const IN_TIME = (a: Group, b: Group): number => a.first - b.first || b.bytes - a.bytes;

export interface Placed {
  readonly offsets: Float64Array;
  readonly height: number;
}

/**
 * Places groups one after the other, those with a given offset first. Stops, with undefined, once the height reaches `limit` or no
 * work is left.
 */
export function placeInOrder(
  packing: Packing,
  groups: readonly Group[],
  order: readonly Group[],
  fit: Fit,
  limit: number,
  work: Work = { left: Number.POSITIVE_INFINITY },
): Placed | undefined {
  const occupancy = new Occupancy(groups, packing.buffers.length, work, true);
  let height = 0;
  for (const group of groups) {
    if (group.fixed === undefined) continue;
    occupancy.add(group, group.fixed);
    height = Math.max(height, group.fixed + group.bytes);
  }
  if (height >= limit) return undefined;
  for (const group of order) {
    if (group.fixed !== undefined) continue;
    const offset = fit === 'lowest' ? occupancy.lowestOf(group) : occupancy.tightestOf(group);
    occupancy.add(group, offset);
    height = Math.max(height, offset + group.bytes);
    if (height >= limit || work.left < 0) return undefined;
  }
  const offsets = Float64Array.from(packing.buffers, (_, b) => occupancy.offsetOf(b));
  return { offsets, height };
}

/** The placement that a packing says to begin with. */
export function startOf({ buffers, start }: Packing): Placed | undefined {
  return start && { offsets: start, height: buffers.reduce((height, { bytes }, b) => Math.max(height, start[b] + bytes), 0) };
}
