import type { Work } from '../asked.js';
import type { Group } from '../groups.js';
import { Occupancy } from '../occupancy.js';
import type { Follower } from './wishes.js';

/** Of a group's free places, so many are tried. */
const PLACES = 64;
/** Of a run, so many groups are looked at for one that lies before another that has a place. */
const AHEAD = 64;

/** A placement by runs: the offset of every group, and those for which there was no room below the cap. */
export interface Runs {
  readonly offsets: Float64Array;
  readonly homeless: readonly number[];
}

interface Run {
  readonly groups: readonly number[];
  readonly offsets: readonly number[];
  readonly worth: number;
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
  return new Placing(buffers, groups, followers, cap, work).place(order, share);
}

class Placing {
  private readonly offsets: Float64Array;
  private readonly leaders: readonly (readonly Follower[])[];
  private readonly occupancy: Occupancy;
  /** Groups that the run at hand has. */
  private readonly seen: Int32Array;
  private stamp = 0;

  constructor(
    buffers: number,
    private readonly groups: readonly Group[],
    private readonly followers: readonly (readonly Follower[])[],
    private readonly cap: number,
    private readonly work: Work,
  ) {
    this.occupancy = new Occupancy(groups, buffers, work);
    this.offsets = new Float64Array(groups.length).fill(Number.NaN);
    this.seen = new Int32Array(groups.length).fill(-1);
    const leaders: Follower[][] = groups.map(() => []);
    followers.forEach((list, g) => {
      for (const { group, delta, worth } of list) leaders[group].push({ group: g, delta: -delta, worth });
    });
    this.leaders = leaders;
  }

  place(order: readonly number[], share: number): Runs {
    const { groups, offsets } = this;
    groups.forEach(({ fixed }, g) => {
      if (fixed !== undefined) this.put(g, fixed);
    });
    const homeless: number[] = [];
    for (const g of order) {
      if (!Number.isNaN(offsets[g])) continue;
      const found = this.runsFrom(g);
      const most = found.reduce((highest, { worth }) => Math.max(highest, worth), 0);
      const chosen = found.find(({ worth }) => worth >= share * most);
      if (!chosen) homeless.push(g);
      chosen?.groups.forEach((group, k) => {
        this.put(group, chosen.offsets[k]);
      });
    }
    return { offsets, homeless };
  }

  /** Runs that begin with a group, one per place that is tried, the lowest first. */
  private runsFrom(g: number): Run[] {
    const { bytes, align } = this.groups[g];
    const places = new Set<number>();
    this.occupancy.free(this.groups[g], (at) => {
      if (at + bytes > this.cap) return false;
      places.add(at);
      return places.size < PLACES && this.work.left > 0;
    });
    for (const at of this.wished(g))
      if (at >= 0 && at % align === 0 && at + bytes <= this.cap && !places.has(at) && this.occupancy.isFree(this.groups[g], at))
        places.add(at);
    return [...places].sort((a, b) => a - b).map((at) => this.runAt(g, at));
  }

  /** Places beside those that have one: behind a leader, or such that the run ends before a follower. */
  private wished(g: number): Set<number> {
    const wished = new Set<number>();
    const note = ({ group, delta }: Follower, behind: number): void => {
      if (!Number.isNaN(this.offsets[group])) wished.add(this.offsets[group] - delta - behind);
    };
    for (const leader of this.leaders[g]) note(leader, 0);
    this.stamp++;
    let behind = 0;
    let at = g;
    for (let length = 0; length < AHEAD; length++) {
      this.seen[at] = this.stamp;
      for (const follower of this.followers[at]) note(follower, behind);
      const next = this.nextOf(at);
      if (!next) break;
      at = next.group;
      behind += next.delta;
    }
    return wished;
  }

  /** The run of a group at a free place. */
  private runAt(g: number, offset: number): Run {
    const groups: number[] = [];
    const offsets: number[] = [];
    let worth = 0;
    this.stamp++;
    for (let next: Follower | undefined = { group: g, delta: 0, worth: 0 }, at = offset; next; ) {
      const { group }: Follower = next;
      at += next.delta;
      const { align, bytes } = this.groups[group];
      const fits = at >= 0 && at % align === 0 && at + bytes <= this.cap;
      if (group !== g && !(fits && this.occupancy.isFree(this.groups[group], at))) break;
      this.seen[group] = this.stamp;
      groups.push(group);
      offsets.push(at);
      worth += next.worth + this.metAt(group, at);
      next = this.nextOf(group);
    }
    return { groups, offsets, worth };
  }

  /** Who would best follow and has no place yet. */
  private nextOf(g: number): Follower | undefined {
    return this.followers[g].find(({ group }) => Number.isNaN(this.offsets[group]) && this.seen[group] !== this.stamp);
  }

  /** Bytes of wishes that a group meets with those that have a place. */
  private metAt(g: number, at: number): number {
    let sum = 0;
    for (const { group, delta, worth } of this.followers[g]) if (this.offsets[group] === at + delta) sum += worth;
    for (const { group, delta, worth } of this.leaders[g]) if (this.offsets[group] === at + delta) sum += worth;
    return sum;
  }

  private put(g: number, offset: number): void {
    this.occupancy.add(this.groups[g], offset);
    this.offsets[g] = offset;
  }
}
