import { doubled } from './grown.js';
import { FREE } from './items.js';
import { totalsOf } from './orders.js';
import type { Sections } from './sections.js';

/** No item. */
export const NONE = -1;

/** Trail entries at or above this say that an item was placed. */
const PLACED = 1 << 30;

/** Trail entries from here up to PLACED say that an item's `full` changed. */
const FULL = 1 << 29;

/** Some items at their offsets, and how low the others may come to lie; a trail takes back what was placed last. */
export class PartialPlacement {
  /** Lowest offset of each item; where it lies once it is placed. */
  readonly low: Float64Array;
  readonly placed: Uint8Array;
  /** Bytes of the fullest section of each item, when its part was cut off: fullest first among those of the same lowest offset. */
  readonly full: Float64Array;
  /** Bytes in each section that are not placed yet. */
  readonly total: Float64Array;
  /** Items not placed yet that live on both sides of the border behind each section. */
  readonly across: Int32Array;

  /** What has changed: an item whose lowest offset rose, PLACED and an item, FULL and an item; and the value it had. */
  trail: Int32Array;
  trailTop = 0;
  private trailLow: Float64Array;

  constructor(
    readonly items: Sections,
    readonly capacity: number,
  ) {
    const { items: n, from, to, fixed, other } = items;
    this.low = Float64Array.from(fixed, (offset) => (offset === FREE ? 0 : offset));
    this.placed = new Uint8Array(n);
    this.full = new Float64Array(n);
    this.total = totalsOf(items);
    this.across = new Int32Array(items.sections);
    for (let r = 0; r < n; r++) for (let s = from[r]; s < to[r]; s++) this.across[s]++;
    this.trail = new Int32Array(4 * n + 2 * other.length);
    this.trailLow = new Float64Array(4 * n + 2 * other.length);
  }

  /** Puts the item at its lowest offset; false if another then has no room. */
  place(item: number): boolean {
    const { low, placed, capacity, trail, trailLow } = this;
    const { meets, other, above, fixed, bytes, align } = this.items;
    placed[item] = 1;
    trail[this.trailTop++] = PLACED + item;
    this.count(item, -1);
    const offset = low[item];
    for (let e = meets[item], last = meets[item + 1]; e < last; e++) {
      const j = other[e];
      if (placed[j] === 1) continue;
      let to = offset + above[e];
      if (to <= low[j]) continue;
      if (align[j] > 1) to = Math.ceil(to / align[j]) * align[j];
      if (to + bytes[j] > capacity || fixed[j] !== FREE) return false;
      trail[this.trailTop] = j;
      trailLow[this.trailTop++] = low[j];
      low[j] = to;
    }
    return true;
  }

  /** Back to where the trail had `to` entries. */
  undo(to: number): void {
    const { trail, trailLow, low } = this;
    while (this.trailTop > to) {
      const entry = trail[--this.trailTop];
      if (entry < FULL) {
        low[entry] = trailLow[this.trailTop];
        continue;
      }
      if (entry < PLACED) {
        this.full[entry - FULL] = trailLow[this.trailTop];
        continue;
      }
      const item = entry - PLACED;
      this.placed[item] = 0;
      this.count(item, 1);
    }
  }

  /** Counts the item among those that are left, or no longer. */
  private count(item: number, sign: number): void {
    const { total, across } = this;
    const { from, to, span, spanBytes, spanFrom, spanTo } = this.items;
    for (let k = span[item], end = span[item + 1]; k < end; k++) {
      const own = sign * spanBytes[k];
      for (let s = spanFrom[k], last = spanTo[k]; s <= last; s++) total[s] += own;
    }
    for (let s = from[item], last = to[item]; s < last; s++) across[s] += sign;
  }

  /** Notes the bytes of the fullest section that an item is in. */
  fill(item: number, bytes: number): void {
    if (bytes === this.full[item]) return;
    this.trail[this.trailTop] = FULL + item;
    this.trailLow[this.trailTop++] = this.full[item];
    this.full[item] = bytes;
  }

  /** Room in the trail for so many entries of `fill`, and for placing what is left. */
  reserve(fills: number): void {
    if (this.trailTop + fills + this.items.items + this.items.other.length <= this.trail.length) return;
    this.trail = doubled(this.trail);
    this.trailLow = doubled(this.trailLow);
  }

  /** Whether the item comes first of two that have the same lowest offset. */
  before(item: number, other: number): boolean {
    const { full } = this;
    return full[item] !== full[other] ? full[item] > full[other] : item < other;
  }

  /** Too low to be next: below `offset`, or there and before the item that was placed. */
  isDead(item: number, offset: number, after: number): boolean {
    const at = this.low[item];
    return at < offset || (at === offset && after !== NONE && this.before(item, after));
  }

  /**
   * The item is too low to be next: it must rest upon another that is still to come, or it could sink. The lowest offset that gives, or
   * negative.
   */
  push(item: number, offset: number): number {
    const { placed, low } = this;
    const { fixed, other, bytes, meets, below } = this.items;
    if (fixed[item] !== FREE) return NONE;
    const top = low[item] + bytes[item];
    if (top <= offset) return NONE;
    let least = Number.POSITIVE_INFINITY;
    for (let e = meets[item]; e < meets[item + 1]; e++) {
      const j = other[e];
      if (placed[j] === 1) continue;
      const start = low[j] < offset ? offset : low[j];
      if (start >= top) continue;
      const to = start + below[e];
      if (to < least) least = to;
    }
    return least + bytes[item] > this.capacity ? NONE : least;
  }
}
