import { liveProfile, type Placement, type Plan } from '@regrain/core-ir';
import { countedSpaces } from '../show/live-bytes.js';

/** A placement at one moment. */
export interface Held {
  readonly placement: number;
  /** Without those that a write at this moment takes over: they count where they are from now on. All parts of a moment sum to its live bytes. */
  readonly bytes: number;
}

/** The spaces that are explained: those that make up the arena. */
export { countedSpaces };

/** Live bytes of some spaces at every time, the first being before the run and the last after it; of all placements, or of those kept. */
export function liveOver(plan: Plan, spaces: readonly number[], keep?: (placement: Placement) => boolean): Float64Array {
  const shown: Plan = keep ? { ...plan, placements: plan.placements.filter(keep) } : plan;
  const live = new Float64Array(plan.steps.length + 2);
  for (const space of spaces) {
    const own = liveProfile(shown, space);
    for (let t = 0; t < live.length; t++) live[t] += own[t];
  }
  return live;
}

/** The first time of the greatest value. */
export function worstTime(live: Float64Array): number {
  let at = 0;
  for (let t = 1; t < live.length; t++) if (live[t] > live[at]) at = t;
  return at;
}

/** What lives at a time; O(placements, and pairs of those that meet there). */
export function heldAt({ placements }: Plan, spaces: readonly number[], time: number): readonly Held[] {
  const living = placements.flatMap(({ space, first, last }, p) => (spaces.includes(space) && first <= time && time <= last ? [p] : []));
  const starting = living.filter((p) => placements[p].first === time && placements[p].last > time);
  return living.map((placement) => {
    const own = placements[placement];
    let { bytes } = own;
    if (own.last === time) {
      for (const next of starting) {
        const { space, offset, bytes: length } = placements[next];
        if (next === placement || space !== own.space) continue;
        bytes -= Math.max(0, Math.min(own.offset + own.bytes, offset + length) - Math.max(own.offset, offset));
      }
    }
    return { placement, bytes };
  });
}
