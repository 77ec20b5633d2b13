import { DeadEnds } from './dead-ends.js';
import { Frames, Parts } from './frames.js';
import { doubled } from './grown.js';
import { hashPart } from './part-hash.js';
import { NONE, PartialPlacement } from './partial-placement.js';
import { Piles } from './piles.js';
import { reordered, type Sections, twins } from './sections.js';

export type Outcome = 'found' | 'impossible' | 'open';

/**
 * Branch and bound over canonical placements (Moffitt, MiniMalloc, ASPLOS 2023): items are placed in the order of their offsets, each at
 * the lowest offset that those below it leave. `run` goes on where it stopped. A node costs O(items of its part × their sections).
 */
export class Search {
  nodes = 0;
  private readonly so: PartialPlacement;
  private readonly piles: Piles;
  /** The item before which a twin (same bytes and spans) must be placed. */
  private readonly twin: Int32Array;

  private depth = NONE;
  private readonly frames: Frames;
  private readonly parts: Parts;
  private readonly deadEnds = new DeadEnds();
  private readonly hash = new Int32Array(3);

  /** Items of the parts, one list behind the other; the candidates of the frames, likewise. */
  private lists: Int32Array;
  private listTop = 0;
  private candidates: Int32Array;

  /** Used within one node. */
  private readonly changed: Uint8Array;
  private readonly merged: Int32Array;
  private readonly partOf: Int32Array;
  private readonly partSize: Int32Array;
  private state: Outcome = 'open';

  constructor(
    sections: Sections,
    private readonly order: Int32Array,
    private readonly byTotal: boolean,
    private readonly capacity: number,
  ) {
    const ranked = reordered(sections, order);
    const n = sections.items;
    this.so = new PartialPlacement(ranked, capacity);
    this.piles = new Piles(this.so);
    this.twin = twins(ranked);
    this.frames = new Frames(n + 1);
    this.parts = new Parts(2 * n + 2);
    this.lists = new Int32Array(8 * n + 64);
    this.candidates = new Int32Array(8 * n + 64);
    this.changed = new Uint8Array(n);
    this.merged = new Int32Array(n);
    this.partOf = new Int32Array(sections.sections);
    this.partSize = new Int32Array(sections.sections + 1);
    this.begin();
  }

  /** Offsets by item, once found. */
  offsets(): Float64Array {
    const { order } = this;
    const offsets = new Float64Array(order.length);
    for (let r = 0; r < order.length; r++) offsets[order[r]] = this.so.low[r];
    return offsets;
  }

  /** Goes on for so many nodes. */
  run(nodes: number): Outcome {
    const { frames, so } = this;
    const end = this.nodes + nodes;
    while (this.state === 'open' && this.nodes < end) {
      const depth = this.depth;
      const next = frames.next[depth];
      if (next === frames.end[depth]) {
        const back = frames.back[depth];
        this.deadEnds.add(frames.hash[3 * depth], frames.hash[3 * depth + 1], frames.hash[3 * depth + 2]);
        if (back === NONE) {
          this.state = 'impossible';
          break;
        }
        this.depth = back;
        so.undo(frames.trail[back]);
        continue;
      }
      frames.next[depth] = next + 1;
      this.listTop = frames.listTop[depth];
      this.nodes++;
      const item = this.candidates[next];
      if (!so.place(item) || !this.descend(depth, item)) so.undo(frames.trail[depth]);
    }
    return this.state;
  }

  /** The whole problem as the first part. */
  private begin(): void {
    const { low, items } = this.so;
    const n = items.items;
    for (let r = 0; r < n; r++) this.lists[r] = r;
    this.listTop = n;
    this.sort(0, n);
    for (let r = 0; r < n; r++) {
      if (low[r] + items.bytes[r] > this.capacity) this.state = 'impossible';
    }
    if (this.state === 'open' && !this.piles.hold(this.lists, 0, n, 0, items.sections - 1, 0, NONE)) this.state = 'impossible';
    if (this.state === 'open' && !this.split(0, n, NONE, 0, NONE)) this.state = 'impossible';
  }

  /** The node below, in which `item` was placed last; false if it is a dead end. */
  private descend(depth: number, item: number): boolean {
    const { frames, piles } = this;
    const first = frames.list[depth];
    const last = frames.listEnd[depth];
    const from = frames.from[depth];
    const to = frames.to[depth];
    this.room(2 * (last - first));
    const offset = this.so.low[item];
    if (piles.failAgain(from, to, offset, item)) return false;
    const begin = this.listTop;
    const end = begin + last - first - 1;
    this.listTop = end;
    this.inherit(depth, item, begin);
    if (!piles.hold(this.lists, begin, end, from, to, offset, item)) return false;
    return this.split(begin, end, depth, offset, item);
  }

  /** The list of the frame without the item, sorted: those whose lowest offset has changed are merged into the others. */
  private inherit(depth: number, item: number, begin: number): void {
    const { lists, changed, merged, frames, so } = this;
    const { low, trail } = so;
    for (let t = frames.trail[depth] + 1; t < so.trailTop; t++) changed[trail[t]] = 1;
    let kept = begin;
    let count = 0;
    for (let k = frames.list[depth], last = frames.listEnd[depth]; k < last; k++) {
      const each = lists[k];
      if (each === item) continue;
      if (changed[each] === 0) {
        lists[kept++] = each;
        continue;
      }
      changed[each] = 0;
      const key = low[each];
      let at = count++;
      while (at > 0 && (low[merged[at - 1]] > key || (low[merged[at - 1]] === key && so.before(each, merged[at - 1])))) {
        merged[at] = merged[at - 1];
        at--;
      }
      merged[at] = each;
    }
    let from = kept - 1;
    let to = kept + count - 1;
    while (count > 0) {
      const each = merged[count - 1];
      const key = low[each];
      while (from >= begin && (low[lists[from]] > key || (low[lists[from]] === key && so.before(each, lists[from]))))
        lists[to--] = lists[from--];
      lists[to--] = each;
      count--;
    }
  }

  private room(more: number): void {
    while (this.listTop + more > this.lists.length) this.lists = doubled(this.lists);
  }

  /** By lowest offset, then by rank. */
  private sort(begin: number, end: number): void {
    const { lists, so } = this;
    const { low } = so;
    for (let k = begin + 1; k < end; k++) {
      const item = lists[k];
      const key = low[item];
      let at = k - 1;
      while (at >= begin && (low[lists[at]] > key || (low[lists[at]] === key && so.before(item, lists[at])))) {
        lists[at + 1] = lists[at];
        at--;
      }
      lists[at + 1] = item;
    }
  }

  /** Cuts the items of a node into parts that no longer meet, and goes on with the first that is to be solved. */
  private split(begin: number, end: number, back: number, offset: number, after: number): boolean {
    const { frames, parts, partSize, hash, so } = this;
    let pending = back === NONE ? NONE : frames.parts[back];
    parts.top = back === NONE ? 0 : frames.partTop[back];
    if (end > begin) {
      const count = this.group(begin, end);
      const tie = this.byTotal && count > 1 ? NONE : after;
      let first = begin;
      for (let p = 0; p < count; p++) {
        const last = partSize[p];
        if (last === first) continue;
        if (last - first === 1) {
          if (so.isDead(this.lists[first], offset, tie)) return false;
        } else {
          if (this.byTotal && (count > 1 || back === NONE)) this.rank(first, last);
          hashPart(so, this.lists, first, last, offset, tie, hash);
          if (this.deadEnds.has(hash[0], hash[1], hash[2])) return false;
          pending = parts.add(first, last, back, pending, offset, tie, hash);
        }
        first = last;
      }
    }
    this.open(pending);
    return true;
  }

  /** Puts the items of a list together by the parts that they fall into; how many there are, and in `partSize` where each ends. */
  private group(begin: number, end: number): number {
    const { lists, partOf, partSize, so } = this;
    const { from, to } = so.items;
    const { across } = so;
    let lo = from[lists[begin]];
    let hi = to[lists[begin]];
    for (let k = begin + 1; k < end; k++) {
      const item = lists[k];
      if (from[item] < lo) lo = from[item];
      if (to[item] > hi) hi = to[item];
    }
    let parts = 0;
    partSize[0] = 0;
    for (let s = lo; s <= hi; s++) {
      partOf[s] = parts;
      if (across[s] === 0 && s < hi) partSize[++parts] = 0;
    }
    parts++;
    if (parts === 1) {
      partSize[0] = end;
      return parts;
    }
    // Stable, by part, through the free room behind.
    for (let k = begin; k < end; k++) partSize[partOf[from[lists[k]]]]++;
    let at = end;
    for (let p = 0; p < parts; p++) {
      const size = partSize[p];
      partSize[p] = at;
      at += size;
    }
    for (let k = begin; k < end; k++) lists[partSize[partOf[from[lists[k]]]]++] = lists[k];
    lists.copyWithin(begin, end, at);
    for (let p = 0; p < parts; p++) partSize[p] -= end - begin;
    return parts;
  }

  /** Ranks the items of a new part by the fullest section that each is in now. */
  private rank(begin: number, end: number): void {
    const { lists, so } = this;
    const { from, to } = so.items;
    const { total } = so;
    so.reserve(end - begin);
    for (let k = begin; k < end; k++) {
      const item = lists[k];
      let most = 0;
      for (let s = from[item]; s <= to[item]; s++) if (total[s] > most) most = total[s];
      so.fill(item, most);
    }
    this.sort(begin, end);
  }

  /** A frame for the part, with its candidates; no part left means that all is placed. */
  private open(part: number): void {
    if (part === NONE) {
      this.state = 'found';
      return;
    }
    const { lists, frames, parts, so } = this;
    const { bytes, from, to } = so.items;
    const { low, total } = so;
    const before = this.depth;
    const depth = ++this.depth;
    const begin = parts.list[part];
    const end = parts.listEnd[part];
    const offset = parts.lowest[part];
    const after = parts.after[part];
    frames.back[depth] = parts.back[part];
    frames.parts[depth] = parts.next[part];
    for (let k = 0; k < 3; k++) frames.hash[3 * depth + k] = parts.hash[3 * part + k];
    frames.partTop[depth] = parts.top;
    frames.list[depth] = begin;
    frames.listEnd[depth] = end;
    frames.listTop[depth] = this.listTop;
    frames.trail[depth] = so.trailTop;
    let lo = from[lists[begin]];
    let hi = to[lists[begin]];
    let top = Number.POSITIVE_INFINITY;
    for (let k = begin; k < end; k++) {
      const item = lists[k];
      if (from[item] < lo) lo = from[item];
      if (to[item] > hi) hi = to[item];
      if (low[item] + bytes[item] < top) top = low[item] + bytes[item];
    }
    frames.from[depth] = lo;
    frames.to[depth] = hi;
    let most = 0;
    for (let s = lo; s <= hi; s++) if (total[s] > most) most = total[s];
    const highest = this.capacity - most;
    let at = before === NONE ? 0 : frames.end[before];
    frames.next[depth] = at;
    for (let k = begin; k < end; k++) {
      const item = lists[k];
      const own = low[item];
      if (so.isDead(item, offset, after)) continue;
      if (own >= top || own > highest) break;
      const twin = this.twin[item];
      if (twin !== NONE && so.placed[twin] === 0) continue;
      if (at === this.candidates.length) this.candidates = doubled(this.candidates);
      this.candidates[at++] = item;
    }
    frames.end[depth] = at;
  }
}
