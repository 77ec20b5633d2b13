import type { Residency } from '../extension-points/mover.js';
import type { Placement, Plan } from '../ir/plan.js';

/**
 * Live bytes of one space at every time of a plan: entry t is the time t, so entry i + 1 is step i, entry 0 is before the run and the
 * last one after it. Bytes that a write takes over from what it reads count once.
 */
export function liveProfile(plan: Plan, space: number): Float64Array {
  return profile(plan.placements, space, plan.steps.length, sharedBytes(plan.placements, space));
}

/** The same before offsets are known: tied residencies share the smaller one's bytes. */
export function liveProfileOf(residencies: readonly Residency[], space: number, steps: number): Float64Array {
  const shared: Shared[] = [];
  for (const { with: tie, first, last, bytes, space: own } of residencies) {
    if (!tie || own !== space) continue;
    const other = residencies[tie.placement];
    const from = Math.max(first, other.first);
    const to = Math.min(last, other.last);
    const common = Math.max(0, Math.min(tie.delta + bytes, other.bytes) - Math.max(tie.delta, 0));
    if (from <= to) shared.push({ from, to, bytes: common });
  }
  return profile(residencies, space, steps, shared);
}

interface Shared {
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
}

function profile(
  lives: readonly Pick<Placement, 'space' | 'first' | 'last' | 'bytes'>[],
  space: number,
  steps: number,
  shared: readonly Shared[],
): Float64Array {
  const change = new Float64Array(steps + 3);
  for (const { space: own, first, last, bytes } of lives) {
    if (own !== space) continue;
    change[first] += bytes;
    change[last + 1] -= bytes;
  }
  for (const { from, to, bytes } of shared) {
    change[from] -= bytes;
    change[to + 1] += bytes;
  }
  const live = new Float64Array(steps + 2);
  let now = 0;
  for (let t = 0; t < live.length; t++) live[t] = now += change[t];
  return live;
}

/** Where one placement ends as another begins in its bytes. Placements that share no such moment never share bytes. */
function sharedBytes(placements: readonly Placement[], space: number): Shared[] {
  const ending = new Map<number, Placement[]>();
  for (const placement of placements) {
    if (placement.space !== space) continue;
    const same = ending.get(placement.last);
    if (same) same.push(placement);
    else ending.set(placement.last, [placement]);
  }
  const shared: Shared[] = [];
  for (const next of placements) {
    if (next.space !== space || next.first === next.last) continue;
    for (const before of ending.get(next.first) ?? []) {
      const bytes = Math.min(before.offset + before.bytes, next.offset + next.bytes) - Math.max(before.offset, next.offset);
      if (before !== next && bytes > 0) shared.push({ from: next.first, to: next.first, bytes });
    }
  }
  return shared;
}
