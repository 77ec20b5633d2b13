import type { Packing } from '@regrain/core-ir';
import type { Group } from './groups.js';
import { Occupancy } from './occupancy.js';

/** `lowest`: the lowest place that fits; `tightest`: the smallest gap that fits, the top if none does. */
export type Fit = 'lowest' | 'tightest';

export interface Placed {
  readonly offsets: Float64Array;
  readonly height: number;
}

/** An offset that a group would rather have, or undefined; taken if it is free and does not raise the height. */
export type Wish = (group: Group, occupancy: Occupancy, height: number) => readonly number[];

/**
 * Places groups one after the other, those with a given offset first. Stops, with undefined, once the height reaches `limit`.
 */
export function placeInOrder(
  packing: Packing,
  groups: readonly Group[],
  order: readonly Group[],
  fit: Fit,
  limit: number,
  wish?: Wish,
): Placed | undefined {
  const occupancy = new Occupancy(groups, packing.buffers.length);
  let height = 0;
  for (const group of groups) {
    if (group.fixed === undefined) continue;
    occupancy.add(group, group.fixed);
    height = Math.max(height, group.fixed + group.bytes);
  }
  for (const group of order) {
    if (group.fixed !== undefined) continue;
    const offset = wished(group, occupancy, wish?.(group, occupancy, height) ?? [], height) ?? findPlace(group, occupancy, fit);
    occupancy.add(group, offset);
    height = Math.max(height, offset + group.bytes);
    if (height >= limit) return undefined;
  }
  const offsets = Float64Array.from(packing.buffers, (_, b) => occupancy.offsetOf(b));
  return { offsets, height };
}

function findPlace(group: Group, occupancy: Occupancy, fit: Fit): number {
  const { align } = group;
  const up = (offset: number): number => Math.ceil(offset / align) * align;
  let at = 0;
  let best = -1;
  let least = Number.POSITIVE_INFINITY;
  occupancy.forbidden(group, (from, to) => {
    // Free from `at` on until the next forbidden interval begins: starting anywhere in [at, from] is fine.
    if (at <= from) {
      const room = from - at;
      if (fit === 'lowest') {
        best = at;
        return false;
      }
      if (room < least) [best, least] = [at, room];
    }
    if (to > at) at = up(to);
    return true;
  });
  return best >= 0 ? best : at;
}

function wished(group: Group, occupancy: Occupancy, wishes: readonly number[], height: number): number | undefined {
  for (const offset of wishes) {
    if (offset < 0 || offset % group.align !== 0 || offset + group.bytes > height) continue;
    let free = true;
    occupancy.forbidden(group, (from, to) => {
      if (from < offset && offset < to) free = false;
      return free && from < offset;
    });
    if (free) return offset;
  }
  return undefined;
}
