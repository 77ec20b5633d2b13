import type { Group } from '../groups.js';
import { Occupancy, type Work } from '../occupancy.js';
import type { Follower } from './wishes.js';

/** Of a group's free places, so many are tried. */
const PLACES = 64;

/** A placement by runs: the offset of every group, and those for which there was no room below the cap. */
export interface Runs {
  readonly offsets: Float64Array;
  readonly homeless: readonly number[];
}

/**
 * Places groups in this order, each together with those that would best follow it, one behind the other, as far as they find free bytes:
 * at the lowest of its free places where the run is worth at least that share of the most. So the rows of a streamed map go round in the space that they need: where
 * a row's first tiles die, the tiles behind the row's last ones begin (circular buffers of segments, as in vMCU, Zheng et al. 2023, but
 * found rather than given). What finds no place below `cap` is left out. O(n × places × length of runs × log times).
 */
export function placeRuns(
  buffers: number,
  groups: readonly Group[],
  followers: readonly (readonly Follower[])[],
  order: readonly number[],
  cap: number,
  share: number,
  work: Work,
): Runs {
  const occupancy = new Occupancy(groups, buffers, work);
  const offsets = new Float64Array(groups.length).fill(Number.NaN);
  const homeless: number[] = [];
  const put = (g: number, offset: number): void => {
    occupancy.add(groups[g], offset);
    offsets[g] = offset;
  };
  groups.forEach(({ fixed }, g) => {
    if (fixed !== undefined) put(g, fixed);
  });
  const seen = new Int32Array(groups.length).fill(-1);
  let stamp = 0;
  for (const g of order) {
    if (!Number.isNaN(offsets[g])) continue;
    const found: { readonly run: readonly (readonly [group: number, offset: number])[]; readonly worth: number }[] = [];
    let tried = 0;
    const consider = (offset: number): void => {
      const run: [number, number][] = [];
      let worth = 0;
      stamp++;
      for (let next: Follower | undefined = { group: g, delta: 0, worth: 0 }, at = offset; next; ) {
        const { group }: Follower = next;
        at += next.delta;
        const { align, bytes } = groups[group];
        // The first one's place is known to be free.
        if (at < 0 || at % align !== 0 || at + bytes > cap || (run.length > 0 && !occupancy.isFree(groups[group], at))) break;
        seen[group] = stamp;
        run.push([group, at]);
        worth += next.worth;
        next = followers[group].find((each) => Number.isNaN(offsets[each.group]) && seen[each.group] !== stamp);
      }
      if (run.length > 0) found.push({ run, worth });
    };
    const { bytes } = groups[g];
    occupancy.free(groups[g], (at) => {
      if (at + bytes > cap) return false;
      consider(at);
      return ++tried < PLACES && work.left > 0;
    });
    const most = found.reduce((highest, { worth }) => Math.max(highest, worth), 0);
    const chosen = found.find(({ worth }) => worth >= share * most);
    if (!chosen) homeless.push(g);
    for (const [group, offset] of chosen?.run ?? []) put(group, offset);
  }
  return { offsets, homeless };
}
