import { DeadEnds } from './dead-ends.js';
import { FREE } from './items.js';
import { totalsOf } from './orders.js';
import { reordered, type Sections, twins } from './sections.js';

export type Outcome = 'found' | 'impossible' | 'open';

const NONE = -1;

/** Sections that are kept as those that failed last. */
const HOT = 4;

/** Trail entries at or above this say that an item was placed. */
const PLACED = 1 << 30;

/** Trail entries from here up to PLACED say that an item's `full` changed. */
const FULL = 1 << 29;

/**
 * Branch and bound over canonical placements (Moffitt, MiniMalloc, ASPLOS 2023): items are placed in the order of their offsets, each at
 * the lowest offset that those below it leave. `run` goes on where it stopped. A node costs O(items of its part × their sections).
 */
export class Search {
  nodes = 0;
  private readonly n: number;
  private readonly bytes: Float64Array;
  private readonly align: Float64Array;
  private readonly fixed: Float64Array;
  private readonly from: Int32Array;
  private readonly to: Int32Array;
  private readonly span: Int32Array;
  private readonly spanFrom: Int32Array;
  private readonly spanTo: Int32Array;
  private readonly spanBytes: Float64Array;
  private readonly meets: Int32Array;
  private readonly other: Int32Array;
  private readonly above: Float64Array;
  private readonly below: Float64Array;
  /** The item before which a twin (same bytes and spans) must be placed. */
  private readonly twin: Int32Array;

  /** Lowest offset of each item; where it lies once it is placed. */
  private readonly low: Float64Array;
  private readonly placed: Uint8Array;
  private readonly changed: Uint8Array;
  /** Bytes of the fullest section of each item, when its part was cut off: fullest first among those of the same lowest offset. */
  private readonly full: Float64Array;
  /** Bytes in each section that are not placed yet. */
  private readonly total: Float64Array;
  /** Items not placed yet that live on both sides of the border behind each section. */
  private readonly across: Int32Array;
  /** While checking: how high each section is at least. */
  private readonly reach: Float64Array;

  private trail: Int32Array;
  private trailLow: Float64Array;
  private trailTop = 0;

  private depth = NONE;
  private readonly frameTrail: Int32Array;
  private readonly frameNext: Int32Array;
  private readonly frameEnd: Int32Array;
  /** Items of the frame's part, sorted. */
  private readonly frameList: Int32Array;
  private readonly frameListEnd: Int32Array;
  /** Where to go back to if nothing fits: the frame before, or the one that split off this frame's part. */
  private readonly frameBack: Int32Array;
  private readonly frameParts: Int32Array;
  private readonly framePartTop: Int32Array;
  private readonly frameListTop: Int32Array;
  /** Parts that are still to be solved, a linked list for each frame. */
  private readonly partList: Int32Array;
  private readonly partListEnd: Int32Array;
  private readonly partBack: Int32Array;
  private readonly partNext: Int32Array;
  private readonly partLowest: Float64Array;
  private readonly partAfter: Int32Array;
  private partTop = 0;
  private readonly partHash: Int32Array;
  private readonly frameHash: Int32Array;
  /** Sections of the frame's part. */
  private readonly frameFrom: Int32Array;
  private readonly frameTo: Int32Array;
  private readonly deadEnds = new DeadEnds();
  private readonly hash = new Int32Array(3);
  private readonly partOf: Int32Array;
  private readonly partSize: Int32Array;

  private lists: Int32Array;
  private listTop = 0;
  private candidates: Int32Array;
  private readonly dead: Int32Array;
  private readonly pushed: Float64Array;
  /** Sections that failed last, and spans by section: `sectionSpans[section[s]] … sectionSpans[section[s + 1] - 1]`. */
  private readonly hot = new Int32Array(HOT).fill(NONE);
  private readonly section: Int32Array;
  private readonly sectionSpans: Int32Array;
  private readonly sectionItems: Int32Array;
  private state: Outcome = 'open';

  constructor(
    sections: Sections,
    private readonly order: Int32Array,
    private readonly byTotal: boolean,
    private readonly capacity: number,
  ) {
    const ranked = reordered(sections, order);
    const n = sections.items;
    this.n = n;
    this.bytes = ranked.bytes;
    this.align = ranked.align;
    this.fixed = ranked.fixed;
    this.from = ranked.from;
    this.to = ranked.to;
    this.span = ranked.span;
    this.spanFrom = ranked.spanFrom;
    this.spanTo = ranked.spanTo;
    this.spanBytes = ranked.spanBytes;
    this.meets = ranked.meets;
    this.other = ranked.other;
    this.above = ranked.above;
    this.below = ranked.below;
    this.twin = twins(ranked);
    this.low = Float64Array.from(this.fixed, (fixed) => (fixed === FREE ? 0 : fixed));
    this.placed = new Uint8Array(n);
    this.changed = new Uint8Array(n);
    this.full = new Float64Array(n);
    this.total = totalsOf(sections);
    this.across = new Int32Array(sections.sections);
    for (let r = 0; r < n; r++) for (let s = this.from[r]; s < this.to[r]; s++) this.across[s]++;
    this.reach = new Float64Array(sections.sections);
    this.trail = new Int32Array(4 * n + 2 * this.other.length);
    this.trailLow = new Float64Array(4 * n + 2 * this.other.length);
    const frames = n + 1;
    this.frameTrail = new Int32Array(frames);
    this.frameNext = new Int32Array(frames);
    this.frameEnd = new Int32Array(frames);
    this.frameList = new Int32Array(frames);
    this.frameListEnd = new Int32Array(frames);
    this.frameBack = new Int32Array(frames);
    this.frameParts = new Int32Array(frames);
    this.framePartTop = new Int32Array(frames);
    this.frameListTop = new Int32Array(frames);
    const parts = 2 * n + 2;
    this.partList = new Int32Array(parts);
    this.partListEnd = new Int32Array(parts);
    this.partBack = new Int32Array(parts);
    this.partNext = new Int32Array(parts);
    this.partLowest = new Float64Array(parts);
    this.partAfter = new Int32Array(parts);
    this.partHash = new Int32Array(3 * parts);
    this.frameFrom = new Int32Array(frames);
    this.frameTo = new Int32Array(frames);
    this.frameHash = new Int32Array(3 * frames);
    this.partOf = new Int32Array(sections.sections);
    this.partSize = new Int32Array(sections.sections + 1);
    this.lists = new Int32Array(8 * n + 64);
    this.candidates = new Int32Array(8 * n + 64);
    this.dead = new Int32Array(n);
    this.pushed = new Float64Array(n);
    this.section = new Int32Array(sections.sections + 1);
    for (let k = 0; k < this.span[n]; k++) for (let s = this.spanFrom[k]; s <= this.spanTo[k]; s++) this.section[s + 1]++;
    for (let s = 0; s < sections.sections; s++) this.section[s + 1] += this.section[s];
    this.sectionSpans = new Int32Array(this.section[sections.sections]);
    this.sectionItems = new Int32Array(this.section[sections.sections]);
    const next = this.section.slice();
    for (let r = 0; r < n; r++) {
      for (let k = this.span[r]; k < this.span[r + 1]; k++) {
        for (let s = this.spanFrom[k]; s <= this.spanTo[k]; s++) {
          this.sectionItems[next[s]] = r;
          this.sectionSpans[next[s]++] = k;
        }
      }
    }
    this.begin();
  }

  /** Offsets by item, once found. */
  offsets(): Float64Array {
    const offsets = new Float64Array(this.n);
    for (let r = 0; r < this.n; r++) offsets[this.order[r]] = this.low[r];
    return offsets;
  }

  /** Goes on for so many nodes. */
  run(nodes: number): Outcome {
    const end = this.nodes + nodes;
    while (this.state === 'open' && this.nodes < end) {
      const depth = this.depth;
      const next = this.frameNext[depth];
      if (next === this.frameEnd[depth]) {
        const back = this.frameBack[depth];
        this.deadEnds.add(this.frameHash[3 * depth], this.frameHash[3 * depth + 1], this.frameHash[3 * depth + 2]);
        if (back === NONE) {
          this.state = 'impossible';
          break;
        }
        this.depth = back;
        this.undo(this.frameTrail[back]);
        continue;
      }
      this.frameNext[depth] = next + 1;
      this.listTop = this.frameListTop[depth];
      this.nodes++;
      const item = this.candidates[next];
      if (!this.place(item) || !this.descend(depth, item)) this.undo(this.frameTrail[depth]);
    }
    return this.state;
  }

  /** The whole problem as the first part. */
  private begin(): void {
    for (let r = 0; r < this.n; r++) this.lists[r] = r;
    this.listTop = this.n;
    this.sort(0, this.n);
    for (let r = 0; r < this.n; r++) {
      if (this.low[r] + this.bytes[r] > this.capacity) this.state = 'impossible';
    }
    if (this.state === 'open' && !this.check(0, this.n, 0, this.reach.length - 1, 0, NONE)) this.state = 'impossible';
    if (this.state === 'open' && !this.split(0, this.n, NONE, 0, NONE)) this.state = 'impossible';
  }

  /** Puts the item at its lowest offset; false if another then has no room. */
  private place(item: number): boolean {
    const { low, placed, other, above, fixed, bytes, align, capacity, trail, trailLow } = this;
    placed[item] = 1;
    trail[this.trailTop++] = PLACED + item;
    this.count(item, -1);
    const offset = low[item];
    for (let e = this.meets[item], last = this.meets[item + 1]; e < last; e++) {
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

  private undo(to: number): void {
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
    const { total, across, spanBytes, spanTo } = this;
    for (let k = this.span[item], end = this.span[item + 1]; k < end; k++) {
      const own = sign * spanBytes[k];
      for (let s = this.spanFrom[k], last = spanTo[k]; s <= last; s++) total[s] += own;
    }
    for (let s = this.from[item], last = this.to[item]; s < last; s++) across[s] += sign;
  }

  /** The node below, in which `item` was placed last; false if it is a dead end. */
  private descend(depth: number, item: number): boolean {
    const first = this.frameList[depth];
    const last = this.frameListEnd[depth];
    this.room(2 * (last - first));
    const offset = this.low[item];
    if (this.failsAgain(depth, offset, item)) return false;
    const begin = this.listTop;
    const end = begin + last - first - 1;
    this.listTop = end;
    this.inherit(depth, item, begin);
    if (!this.check(begin, end, this.frameFrom[depth], this.frameTo[depth], offset, item)) return false;
    return this.split(begin, end, depth, offset, item);
  }

  /** The list of the frame without the item, sorted: those whose lowest offset has changed are merged into the others. */
  private inherit(depth: number, item: number, begin: number): void {
    const { lists, low, changed, trail, dead } = this;
    for (let t = this.frameTrail[depth] + 1; t < this.trailTop; t++) changed[trail[t]] = 1;
    let kept = begin;
    let count = 0;
    for (let k = this.frameList[depth], last = this.frameListEnd[depth]; k < last; k++) {
      const each = lists[k];
      if (each === item) continue;
      if (changed[each] === 0) {
        lists[kept++] = each;
        continue;
      }
      changed[each] = 0;
      const key = low[each];
      let at = count++;
      while (at > 0 && (low[dead[at - 1]] > key || (low[dead[at - 1]] === key && this.before(each, dead[at - 1])))) {
        dead[at] = dead[at - 1];
        at--;
      }
      dead[at] = each;
    }
    let from = kept - 1;
    let to = kept + count - 1;
    while (count > 0) {
      const each = dead[count - 1];
      const key = low[each];
      while (from >= begin && (low[lists[from]] > key || (low[lists[from]] === key && this.before(each, lists[from]))))
        lists[to--] = lists[from--];
      lists[to--] = each;
      count--;
    }
  }

  private room(more: number): void {
    if (this.listTop + more <= this.lists.length) return;
    const grown = new Int32Array(2 * (this.listTop + more));
    grown.set(this.lists);
    this.lists = grown;
  }

  /** Whether the item comes first of two that have the same lowest offset. */
  private before(item: number, other: number): boolean {
    const { full } = this;
    return full[item] !== full[other] ? full[item] > full[other] : item < other;
  }

  /** Too low to be next: below `offset`, or there and before the item that was placed. */
  private isDead(item: number, offset: number, after: number): boolean {
    const at = this.low[item];
    return at < offset || (at === offset && after !== NONE && this.before(item, after));
  }

  /** By lowest offset, then by rank. */
  private sort(begin: number, end: number): void {
    const { lists, low } = this;
    for (let k = begin + 1; k < end; k++) {
      const item = lists[k];
      const key = low[item];
      let at = k - 1;
      while (at >= begin && (low[lists[at]] > key || (low[lists[at]] === key && this.before(item, lists[at])))) {
        lists[at + 1] = lists[at];
        at--;
      }
      lists[at + 1] = item;
    }
  }

  /**
   * Whether every section may still stay below the capacity, if nothing begins lower than `offset` (nor there, of a rank up to `after`):
   * its items one upon the other, each from its lowest offset on.
   */
  private check(begin: number, end: number, lo: number, hi: number, offset: number, after: number): boolean {
    const { lists, low, reach, pushed } = this;
    reach.fill(0, lo, hi + 1);
    let k = begin;
    let dead = 0;
    for (; k < end; k++) {
      const item = lists[k];
      if (!this.isDead(item, offset, after)) break;
      const to = this.push(item, offset);
      if (to < 0) return false;
      // Sorted by where they are pushed to.
      let at = dead++;
      while (at > 0 && pushed[at - 1] > to) {
        pushed[at] = pushed[at - 1];
        this.dead[at] = this.dead[at - 1];
        at--;
      }
      pushed[at] = to;
      this.dead[at] = item;
    }
    let d = 0;
    for (;;) {
      let item: number;
      let from: number;
      if (d < dead && (k === end || pushed[d] <= low[lists[k]])) {
        from = pushed[d];
        item = this.dead[d++];
      } else if (k < end) {
        item = lists[k++];
        from = low[item];
      } else return true;
      if (!this.pile(item, from)) return false;
    }
  }

  /** Where the search failed last it mostly fails again: the check of those sections alone, far cheaper. */
  private failsAgain(depth: number, offset: number, after: number): boolean {
    const { hot, low, placed, dead, pushed, capacity, sectionItems, sectionSpans } = this;
    for (let h = 0; h < hot.length; h++) {
      const s = hot[h];
      if (s < this.frameFrom[depth] || s > this.frameTo[depth]) continue;
      let count = 0;
      for (let e = this.section[s]; e < this.section[s + 1]; e++) {
        const item = sectionItems[e];
        if (placed[item] === 1) continue;
        let from = low[item];
        if (from <= offset && this.isDead(item, offset, after)) {
          from = this.push(item, offset);
          if (from < 0) return true;
        }
        let at = count++;
        while (at > 0 && pushed[at - 1] > from) {
          pushed[at] = pushed[at - 1];
          dead[at] = dead[at - 1];
          at--;
        }
        pushed[at] = from;
        dead[at] = sectionSpans[e];
      }
      let top = 0;
      for (let k = 0; k < count; k++) top = (top < pushed[k] ? pushed[k] : top) + this.spanBytes[dead[k]];
      if (top > capacity) {
        this.remember(s);
        return true;
      }
    }
    return false;
  }

  /** Moves the section to the front of those that failed last. */
  private remember(s: number): void {
    const { hot } = this;
    let at = 0;
    while (at < hot.length - 1 && hot[at] !== s) at++;
    for (; at > 0; at--) hot[at] = hot[at - 1];
    hot[0] = s;
  }

  private pile(item: number, from: number): boolean {
    const { reach, capacity } = this;
    for (let k = this.span[item]; k < this.span[item + 1]; k++) {
      const own = this.spanBytes[k];
      const last = this.spanTo[k];
      for (let s = this.spanFrom[k]; s <= last; s++) {
        const to = (reach[s] < from ? from : reach[s]) + own;
        if (to > capacity) {
          this.remember(s);
          return false;
        }
        reach[s] = to;
      }
    }
    return true;
  }

  /**
   * The item is too low to be next: it must rest upon another that is still to come, or it could sink. The lowest offset that gives, or
   * negative.
   */
  private push(item: number, offset: number): number {
    const { other, placed, low, bytes, meets, below } = this;
    if (this.fixed[item] !== FREE) return NONE;
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

  /** Cuts the items of a node into parts that no longer meet, and goes on with the first that is to be solved. */
  private split(begin: number, end: number, back: number, offset: number, after: number): boolean {
    const { lists, from, to, across } = this;
    let pending = back === NONE ? NONE : this.frameParts[back];
    this.partTop = back === NONE ? 0 : this.framePartTop[back];
    const count = end - begin;
    if (count > 0) {
      let lo = from[lists[begin]];
      let hi = to[lists[begin]];
      for (let k = begin + 1; k < end; k++) {
        const item = lists[k];
        if (from[item] < lo) lo = from[item];
        if (to[item] > hi) hi = to[item];
      }
      let parts = 0;
      const { partOf, partSize } = this;
      partSize[0] = 0;
      for (let s = lo; s <= hi; s++) {
        partOf[s] = parts;
        if (across[s] === 0 && s < hi) partSize[++parts] = 0;
      }
      parts++;
      if (parts > 1) {
        // Stable, by part, through the free room behind.
        for (let k = begin; k < end; k++) partSize[partOf[from[lists[k]]]]++;
        let at = end;
        for (let p = 0; p < parts; p++) {
          const size = partSize[p];
          partSize[p] = at;
          at += size;
        }
        for (let k = begin; k < end; k++) lists[partSize[partOf[from[lists[k]]]]++] = lists[k];
        for (let k = 0; k < count; k++) lists[begin + k] = lists[end + k];
      } else partSize[0] = end + count;
      let first = begin;
      for (let p = 0; p < parts; p++) {
        const last = partSize[p] - count;
        if (last === first) continue;
        const tie = this.byTotal && parts > 1 ? NONE : after;
        if (last - first === 1) {
          const item = lists[first];
          if (this.isDead(item, offset, tie)) return false;
        } else {
          if (this.byTotal && (parts > 1 || back === NONE)) this.rank(first, last);
          const { hash } = this;
          this.hashOf(first, last, offset, tie);
          if (this.deadEnds.has(hash[0], hash[1], hash[2])) return false;
          const part = this.partTop++;
          this.partHash[3 * part] = hash[0];
          this.partHash[3 * part + 1] = hash[1];
          this.partHash[3 * part + 2] = hash[2];
          this.partList[part] = first;
          this.partListEnd[part] = last;
          this.partBack[part] = back;
          this.partLowest[part] = offset;
          this.partAfter[part] = tie;
          this.partNext[part] = pending;
          pending = part;
        }
        first = last;
      }
    }
    this.open(pending);
    return true;
  }

  /** Ranks the items of a new part by the fullest section that each is in now. */
  private rank(begin: number, end: number): void {
    const { lists, full, total, from, to } = this;
    if (this.trailTop + end - begin + this.n + this.other.length > this.trail.length) {
      this.trail = doubled(this.trail);
      const low = new Float64Array(2 * this.trailLow.length);
      low.set(this.trailLow);
      this.trailLow = low;
    }
    for (let k = begin; k < end; k++) {
      const item = lists[k];
      let most = 0;
      for (let s = from[item]; s <= to[item]; s++) if (total[s] > most) most = total[s];
      if (most === full[item]) continue;
      this.trail[this.trailTop] = FULL + item;
      this.trailLow[this.trailTop++] = full[item];
      full[item] = most;
    }
    this.sort(begin, end);
  }

  /** What is still to be placed, where it may lie at the lowest, and what is too low to be next: all that decides about a part. */
  private hashOf(begin: number, end: number, offset: number, after: number): void {
    const { lists, low, hash } = this;
    let a = 1;
    let b = 2;
    let c = 3;
    for (let k = begin; k < end; k++) {
      const item = lists[k];
      const at = low[item];
      const dead = this.isDead(item, offset, after) ? 1 : 0;
      const upper = Math.floor(at / 4294967296);
      const word = (at | 0) ^ Math.imul(upper, 0x9e3779b1);
      const name = 2 * item + dead;
      a = Math.imul(a ^ word, 0x85ebca6b) + Math.imul(name, 0xc2b2ae35);
      a ^= a >>> 15;
      b = Math.imul(b ^ name, 0x27d4eb2f) + Math.imul(word, 0x165667b1);
      b ^= b >>> 13;
      c = Math.imul(c + word, 0x2c1b3c6d) ^ Math.imul(name, 0x297a2d39);
      c ^= c >>> 16;
    }
    hash[0] = a;
    hash[1] = b | 1;
    hash[2] = c;
  }

  /** A frame for the part, with its candidates; no part left means that all is placed. */
  private open(part: number): void {
    if (part === NONE) {
      this.state = 'found';
      return;
    }
    const { lists, low, bytes, total, from, to } = this;
    const before = this.depth;
    const depth = ++this.depth;
    const begin = this.partList[part];
    const end = this.partListEnd[part];
    const offset = this.partLowest[part];
    const after = this.partAfter[part];
    this.frameBack[depth] = this.partBack[part];
    this.frameParts[depth] = this.partNext[part];
    for (let k = 0; k < 3; k++) this.frameHash[3 * depth + k] = this.partHash[3 * part + k];
    this.framePartTop[depth] = this.partTop;
    this.frameList[depth] = begin;
    this.frameListEnd[depth] = end;
    this.frameListTop[depth] = this.listTop;
    this.frameTrail[depth] = this.trailTop;
    let lo = from[lists[begin]];
    let hi = to[lists[begin]];
    let top = Number.POSITIVE_INFINITY;
    for (let k = begin; k < end; k++) {
      const item = lists[k];
      if (from[item] < lo) lo = from[item];
      if (to[item] > hi) hi = to[item];
      if (low[item] + bytes[item] < top) top = low[item] + bytes[item];
    }
    this.frameFrom[depth] = lo;
    this.frameTo[depth] = hi;
    let most = 0;
    for (let s = lo; s <= hi; s++) if (total[s] > most) most = total[s];
    const highest = this.capacity - most;
    let at = before === NONE ? 0 : this.frameEnd[before];
    this.frameNext[depth] = at;
    for (let k = begin; k < end; k++) {
      const item = lists[k];
      const own = low[item];
      if (this.isDead(item, offset, after)) continue;
      if (own >= top || own > highest) break;
      const twin = this.twin[item];
      if (twin !== NONE && this.placed[twin] === 0) continue;
      if (at === this.candidates.length) this.candidates = doubled(this.candidates);
      this.candidates[at++] = item;
    }
    this.frameEnd[depth] = at;
  }
}

function doubled(values: Int32Array): Int32Array {
  const grown = new Int32Array(2 * values.length);
  grown.set(values);
  return grown;
}
