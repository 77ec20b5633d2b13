import type { Work } from '../asked.js';
import type { Group } from '../groups.js';
import { Meeting } from './meeting.js';
import { Slots } from './slots.js';
import type { Follower } from './wishes.js';

/** What sorting costs beside looking. */
const SORTING = 16;
/** Up to so many places, all are looked at. */
const SLOTS = 32_768;

/** Where a group may lie, and who lies there now. */
export interface Place {
  readonly at: number;
  readonly others: readonly number[];
}

/** Offsets of groups below a cap, that can be changed one by one; NaN: without a place. */
export class Layout {
  /** By group: offset of another less the own where they lie as they would best. */
  readonly wishes: readonly (readonly Follower[])[];
  private readonly meeting: Meeting;
  private readonly slots = new Slots();

  constructor(
    readonly groups: readonly Group[],
    followers: readonly (readonly Follower[])[],
    readonly offsets: Float64Array,
    readonly cap: number,
    readonly work: Work,
  ) {
    this.meeting = new Meeting(groups, work);
    const wishes = followers.map((list) => [...list]);
    followers.forEach((list, g) => {
      for (const { group, delta, worth } of list) wishes[group].push({ group: g, delta: -delta, worth });
    });
    this.wishes = wishes;
  }

  /** Bytes of wishes of a group that are met. */
  metBy(g: number): number {
    const at = this.offsets[g];
    let sum = 0;
    for (const { group, delta, worth } of this.wishes[g]) if (at + delta === this.offsets[group]) sum += worth;
    return sum;
  }

  /** Bytes of all wishes of a group. */
  wishedBy(g: number): number {
    let sum = 0;
    for (const { worth } of this.wishes[g]) sum += worth;
    return sum;
  }

  allows(g: number, at: number): boolean {
    const { align, bytes, fixed } = this.groups[g];
    return fixed === undefined && at >= 0 && at + bytes <= this.cap && at % align === 0;
  }

  /** Who is in the way of a group at an offset. */
  inTheWay(g: number, at: number): number[] {
    const others: number[] = [];
    this.meeting.of(g, (other) => {
      const offset = this.offsets[other];
      if (!Number.isNaN(offset) && collide(this.groups[g], at, this.groups[other], offset)) others.push(other);
    });
    return others;
  }

  /**
   * The place at which the weight of what lies in the way, less what the place itself is worth, is the least. Undefined where that is
   * infinite everywhere. O(k log k) of the k groups that it meets.
   */
  cheapest(g: number, weightOf: (other: number) => number, worthOfWishes: boolean): Place | undefined {
    const { groups, offsets, cap } = this;
    const group = groups[g];
    const highest = Math.floor((cap - group.bytes) / group.align) * group.align;
    if (highest < 0) return undefined;
    const gain = new Map<number, number>();
    if (worthOfWishes) {
      for (const { group: other, delta, worth } of this.wishes[g]) {
        const at = offsets[other] - delta;
        if (this.allows(g, at)) gain.set(at, (gain.get(at) ?? 0) + worth);
      }
    }
    const slots = highest / group.align + 1;
    if (slots <= SLOTS) {
      const best = this.cheapestSlot(g, weightOf, gain, slots);
      return best < 0 ? undefined : { at: best, others: this.inTheWay(g, best).sort((x, y) => x - y) };
    }
    // Open intervals of offsets at which another is in the way.
    const from: number[] = [];
    const to: number[] = [];
    const whose: number[] = [];
    this.eachInterval(g, (other, begin, end) => {
      from.push(begin);
      to.push(end);
      whose.push(other);
    });
    this.work.left -= SORTING * from.length;
    const candidates = new Set([0, highest, ...gain.keys()]);
    for (let k = 0; k < from.length; k++) {
      const below = Math.floor(from[k] / group.align) * group.align;
      const above = Math.ceil(to[k] / group.align) * group.align;
      if (below >= 0 && below <= highest) candidates.add(below);
      if (above >= 0 && above <= highest) candidates.add(above);
    }
    const weight = whose.map((other) => weightOf(other));
    const beginning = [...from.keys()].sort((a, b) => from[a] - from[b]);
    const ending = [...to.keys()].sort((a, b) => to[a] - to[b]);
    let least = Number.POSITIVE_INFINITY;
    let best = -1;
    let cost = 0;
    let never = 0;
    const count = (k: number, sign: number): void => {
      if (weight[k] === Number.POSITIVE_INFINITY) never += sign;
      else cost += sign * weight[k];
    };
    let b = 0;
    let e = 0;
    let inside = 0;
    for (const at of [...candidates].sort((x, y) => x - y)) {
      for (; b < beginning.length && from[beginning[b]] < at; b++, inside++) count(beginning[b], 1);
      for (; e < ending.length && to[ending[e]] <= at; e++, inside--) count(ending[e], -1);
      if (inside === 0) cost = 0; // what rounding left
      if (never > 0) continue;
      const sum = cost - (gain.get(at) ?? 0);
      if (sum < least) [least, best] = [sum, at];
    }
    if (best < 0) return undefined;
    const others = new Set<number>();
    for (let k = 0; k < from.length; k++) if (from[k] < best && best < to[k]) others.add(whose[k]);
    return { at: best, others: [...others].sort((x, y) => x - y) };
  }

  /** The same where there are few multiples of the alignment: O(k + slots). */
  private cheapestSlot(g: number, weightOf: (other: number) => number, gain: ReadonlyMap<number, number>, slots: number): number {
    const { align } = this.groups[g];
    this.slots.reset(slots);
    let count = slots / 4;
    this.eachInterval(g, (other, begin, end) => {
      count++;
      const from = Math.max(0, Math.floor(begin / align) + 1);
      const to = Math.min(slots, Math.ceil(end / align));
      if (from < to) this.slots.add(from, to, weightOf(other));
    });
    this.work.left -= count;
    const bySlot = new Map<number, number>();
    for (const [at, worth] of gain) bySlot.set(at / align, worth);
    const best = this.slots.least(slots, bySlot);
    return best < 0 ? best : best * align;
  }

  /** Open intervals of the offsets of a group at which another is in the way. */
  private eachInterval(g: number, visit: (other: number, begin: number, end: number) => void): void {
    const { groups, offsets } = this;
    const { pieces } = groups[g];
    this.meeting.of(g, (other) => {
      const offset = offsets[other];
      if (Number.isNaN(offset)) return;
      for (const theirs of groups[other].pieces) {
        if (theirs.bytes === 0) continue;
        for (const own of pieces) {
          if (own.bytes === 0 || own.first > theirs.last || theirs.first > own.last) continue;
          visit(other, offset + theirs.at - own.at - own.bytes, offset + theirs.at + theirs.bytes - own.at);
        }
      }
    });
  }
}

function collide(a: Group, at: number, b: Group, offset: number): boolean {
  for (const own of a.pieces) {
    if (own.bytes === 0) continue;
    for (const theirs of b.pieces) {
      if (theirs.bytes === 0 || own.first > theirs.last || theirs.first > own.last) continue;
      if (at + own.at < offset + theirs.at + theirs.bytes && offset + theirs.at < at + own.at + own.bytes) return true;
    }
  }
  return false;
}

/** Bytes × time: how hard a group is to place. */
export function areaOf({ bytes, first, last }: Group): number {
  return bytes * (last - first + 1);
}
