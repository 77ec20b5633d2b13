import type { Placement, Plan } from '@regrain/core-ir';
import { liveOver, worstTime } from './memory.js';
import { timeName } from './names.js';

/** A time, what runs then and the live bytes. */
export interface Moment {
  /** 0 is before the run, step i counts from 1, one more than there are steps is after the run. */
  readonly time: number;
  readonly task: string;
  readonly bytes: number;
}

export function momentAt(plan: Plan, live: Float64Array, time: number): Moment {
  return { time, task: timeName(plan, time), bytes: live[time] };
}

/** The worst moment if some placements took no bytes. */
export function worstWithout(plan: Plan, spaces: readonly number[], leave: (placement: Placement) => boolean): Moment {
  const live = liveOver(plan, spaces, (placement) => !leave(placement));
  return momentAt(plan, live, worstTime(live));
}

/**
 * The highest moment at which none of these tensors lives: what remains the limit whatever is done to them. Tensors that live from
 * beginning to end do not count. Undefined where there is no such moment.
 */
export function nextMoment(plan: Plan, spaces: readonly number[], tensors: ReadonlySet<number>): Moment | undefined {
  const live = liveOver(plan, spaces);
  const covered = new Map<number, Int32Array>();
  for (const { holds, space, first, last } of plan.placements) {
    const tensor = 'region' in holds ? tensorOf(plan, holds.region) : -1;
    if (!tensors.has(tensor) || !spaces.includes(space)) continue;
    let change = covered.get(tensor);
    if (!change) covered.set(tensor, (change = new Int32Array(live.length + 1)));
    change[first]++;
    change[last + 1]--;
  }
  const busy = new Uint8Array(live.length);
  for (const change of covered.values()) {
    const alive = new Uint8Array(live.length);
    let count = 0;
    for (let t = 0; t < live.length; t++) alive[t] = (count += change[t]) > 0 ? 1 : 0;
    // A resident input that is needed to the end, or an output from the start on, is at every moment: it tells none apart.
    if (alive.every((each) => each === 1)) continue;
    for (let t = 0; t < live.length; t++) busy[t] |= alive[t];
  }
  let at = -1;
  for (let t = 0; t < live.length; t++) if (!busy[t] && (at < 0 || live[t] > live[at])) at = t;
  return at < 0 || live[at] === 0 ? undefined : momentAt(plan, live, at);
}

export function tensorOf({ decomposition }: Plan, region: number): number {
  return decomposition.instances[decomposition.regions[region].instance].tensor;
}
