import type { Plan } from '@regrain/core-ir';
import { heldAt, liveOver, worstTime } from './memory.js';
import { timeName } from './names.js';

/** Why the arena of one space is higher than the most live bytes. */
export interface Gap {
  readonly space: string;
  readonly peakBytes: number;
  readonly arenaBytes: number;
  /** `arenaBytes - peakBytes`: what a perfect packing of the same lives would save. */
  readonly gapBytes: number;
  /** The placement that reaches the top, and what lives beside it when it begins. */
  readonly top?: {
    readonly placement: number;
    readonly bytes: number;
    readonly offset: number;
    readonly time: number;
    readonly task: string;
    readonly liveBytes: number;
    /** Free below the top at that moment, in so many holes. */
    readonly freeBytes: number;
    readonly holes: number;
    readonly largestHoleBytes: number;
  };
}

export function gapsOf(plan: Plan, spaces: readonly number[]): readonly Gap[] {
  return spaces.map((space) => gapOf(plan, space));
}

function gapOf(plan: Plan, space: number): Gap {
  const { placements, machine } = plan;
  const live = liveOver(plan, [space]);
  const peakBytes = live[worstTime(live)];
  let top = -1;
  let arenaBytes = 0;
  placements.forEach(({ space: own, offset, bytes }, p) => {
    if (own !== space || offset + bytes <= arenaBytes) return;
    arenaBytes = offset + bytes;
    top = p;
  });
  const common = { space: machine.spaces[space].name, peakBytes, arenaBytes, gapBytes: arenaBytes - peakBytes };
  if (top < 0) return common;
  const { first: time, offset, bytes } = placements[top];
  const holes = holesBelow(plan, space, time, arenaBytes);
  return {
    ...common,
    top: {
      placement: top,
      bytes,
      offset,
      time,
      task: timeName(plan, time),
      liveBytes: live[time],
      freeBytes: holes.reduce((sum, hole) => sum + hole, 0),
      holes: holes.length,
      largestHoleBytes: Math.max(0, ...holes),
    },
  };
}

/** Bytes of the free intervals below `top`. */
function holesBelow(plan: Plan, space: number, time: number, top: number): number[] {
  const taken = heldAt(plan, [space], time)
    .map(({ placement }) => plan.placements[placement])
    .sort((a, b) => a.offset - b.offset);
  const holes: number[] = [];
  let at = 0;
  for (const { offset, bytes } of taken) {
    if (offset > at) holes.push(offset - at);
    at = Math.max(at, offset + bytes);
  }
  if (top > at) holes.push(top - at);
  return holes;
}
