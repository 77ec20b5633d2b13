import type { Packing } from '@regrain/core-ir';
import type { Work } from './asked.js';
import type { Group } from './groups.js';
import { type Fit, type Placed, placeInOrder } from './place.js';

export interface Squeeze {
  readonly order: readonly Group[];
  readonly fit: Fit;
  readonly start: Placed;
  readonly work: Work;
}

/** Placements that are tried where one nearly fits, at most. */
const ROUNDS = 12;
/** Higher than this many times the capacity, a placement is not tried. */
const NEARLY = 1.02;

/** A placement that nearly fits, made to fit if possible; the lowest that was seen. O(rounds × placing all). */
export function squeezed(packing: Packing, groups: readonly Group[], squeeze: Squeeze): Placed {
  const { capacity } = packing;
  if (squeeze.start.height > capacity * NEARLY) return squeeze.start;
  return squeaked(packing, groups, { ...squeeze, rounds: ROUNDS, goal: () => capacity });
}

/**
 * What lies above the goal comes first in the order of the next round, the more often it did, the earlier. `goal`: for a lowest height so far;
 * it ends where that is reached. The lowest placement that was seen. Source: squeaky wheel optimisation (Joslin & Clements 1999).
 * O(rounds × placing all).
 */
export function squeaked(
  packing: Packing,
  groups: readonly Group[],
  {
    order,
    fit,
    start,
    work,
    rounds,
    goal,
    each = () => {},
  }: Squeeze & { readonly rounds: number; readonly goal: (height: number) => number; readonly each?: (round: number) => void },
): Placed {
  const blamed = new Map<Group, number>();
  let best = start;
  let now = start;
  for (let round = 0; round < rounds && best.height > goal(best.height); round++) {
    each(round);
    const above = goal(best.height);
    for (const group of groups) {
      const [{ buffer, at }] = group.pieces;
      if (now.offsets[buffer] - at + group.bytes > above) blamed.set(group, (blamed.get(group) ?? 0) + 1);
    }
    const next = order.toSorted((a, b) => (blamed.get(b) ?? 0) - (blamed.get(a) ?? 0));
    const placed = placeInOrder(packing, groups, next, fit, Number.POSITIVE_INFINITY, work);
    if (!placed) break;
    now = placed;
    if (now.height < best.height) best = now;
  }
  return best;
}
