import type { Packing } from '@regrain/core-ir';
import type { Work } from './asked.js';
import type { Group } from './groups.js';
import { type Fit, type Placed, placeInOrder } from './place.js';

/** Placements that are tried, at most. */
const ROUNDS = 12;
/** Higher than this many times the capacity, a placement is not tried. */
const NEARLY = 1.02;

/**
 * A placement that nearly fits, made to fit if possible: what lies above the capacity comes first in the order of the next round, the more
 * often it did, the earlier. The lowest placement that was seen. Source: squeaky wheel optimisation (Joslin & Clements 1999). O(rounds × placing all).
 */
export function squeezed(
  packing: Packing,
  groups: readonly Group[],
  { order, fit, start, work }: { readonly order: readonly Group[]; readonly fit: Fit; readonly start: Placed; readonly work: Work },
): Placed {
  const { capacity } = packing;
  const blamed = new Map<Group, number>();
  let best = start;
  let now = start;
  for (let round = 0; round < ROUNDS && best.height > capacity && best.height <= capacity * NEARLY; round++) {
    for (const group of groups) {
      const [{ buffer, at }] = group.pieces;
      if (now.offsets[buffer] - at + group.bytes > capacity) blamed.set(group, (blamed.get(group) ?? 0) + 1);
    }
    const next = order.toSorted((a, b) => (blamed.get(b) ?? 0) - (blamed.get(a) ?? 0));
    const placed = placeInOrder(packing, groups, next, fit, Number.POSITIVE_INFINITY, work);
    if (!placed) break;
    now = placed;
    if (now.height < best.height) best = now;
  }
  return best;
}
