import type { Packed, Packing } from '@regrain/core-ir';
import { type Group, groupsOf } from './groups.js';
import { type Load, loadOf } from './load.js';
import type { Placed } from './place.js';

/** What every list heuristic does around its placing: groups, the bound, and the answer where it does not fit. */
export function packWith(packing: Packing, place: (groups: readonly Group[], load: Load) => Placed): Packed {
  const groups = groupsOf(packing);
  const load = loadOf(groups);
  return answerOf(packing, load, () => place(groups, load));
}

/** What is placed, if the load leaves any hope, held against the capacity and the bound. */
export function answerOf(packing: Packing, load: Load, place: () => Placed): Packed {
  if (load.bytes > packing.capacity) return tooHigh(packing, load, load.bytes, true);
  const { offsets, height } = place();
  if (height > packing.capacity) return tooHigh(packing, load, height, false);
  return { ok: true, offsets, height, optimal: height === load.bytes };
}

/** The answer where the packing takes `required` bytes, more than there are: what lives where the load is highest. */
export function tooHigh({ buffers }: Packing, { at }: Load, required: number, proved: boolean): Packed {
  const living = buffers.flatMap(({ first, last }, b) => (first <= at && at <= last ? [b] : []));
  return { ok: false, proved, required, at, buffers: living };
}
