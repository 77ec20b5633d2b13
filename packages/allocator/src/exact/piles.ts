import { NONE, type PartialPlacement } from './partial-placement.js';

/** Sections that are kept as those that failed last. */
const HOT = 4;

/** Whether what is left of a placement may still stay below the capacity: a bound for each section of the time line. */
export class Piles {
  /** How high each section is at least. */
  private readonly reach: Float64Array;
  private readonly dead: Int32Array;
  private readonly pushed: Float64Array;
  /** Sections that failed last, and spans by section: `sectionSpans[section[s]] … sectionSpans[section[s + 1] - 1]`. */
  private readonly hot = new Int32Array(HOT).fill(NONE);
  private readonly section: Int32Array;
  private readonly sectionSpans: Int32Array;
  private readonly sectionItems: Int32Array;

  constructor(private readonly so: PartialPlacement) {
    const { items: n, sections, span, spanFrom, spanTo } = so.items;
    this.reach = new Float64Array(sections);
    this.dead = new Int32Array(n);
    this.pushed = new Float64Array(n);
    this.section = new Int32Array(sections + 1);
    for (let k = 0; k < span[n]; k++) for (let s = spanFrom[k]; s <= spanTo[k]; s++) this.section[s + 1]++;
    for (let s = 0; s < sections; s++) this.section[s + 1] += this.section[s];
    this.sectionSpans = new Int32Array(this.section[sections]);
    this.sectionItems = new Int32Array(this.section[sections]);
    const next = this.section.slice();
    for (let r = 0; r < n; r++) {
      for (let k = span[r]; k < span[r + 1]; k++) {
        for (let s = spanFrom[k]; s <= spanTo[k]; s++) {
          this.sectionItems[next[s]] = r;
          this.sectionSpans[next[s]++] = k;
        }
      }
    }
  }

  /**
   * Whether every section may still stay below the capacity, if nothing begins lower than `offset` (nor there, of a rank up to `after`):
   * its items one upon the other, each from its lowest offset on.
   */
  hold(lists: Int32Array, begin: number, end: number, lo: number, hi: number, offset: number, after: number): boolean {
    const { reach, pushed, so } = this;
    const { low } = so;
    reach.fill(0, lo, hi + 1);
    let k = begin;
    let dead = 0;
    for (; k < end; k++) {
      const item = lists[k];
      if (!so.isDead(item, offset, after)) break;
      const to = so.push(item, offset);
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
  failAgain(lo: number, hi: number, offset: number, after: number): boolean {
    const { hot, so, dead, pushed, sectionItems, sectionSpans } = this;
    const { low, placed, capacity } = so;
    const { spanBytes } = so.items;
    for (let h = 0; h < hot.length; h++) {
      const s = hot[h];
      if (s < lo || s > hi) continue;
      let count = 0;
      for (let e = this.section[s]; e < this.section[s + 1]; e++) {
        const item = sectionItems[e];
        if (placed[item] === 1) continue;
        let from = low[item];
        if (from <= offset && so.isDead(item, offset, after)) {
          from = so.push(item, offset);
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
      for (let k = 0; k < count; k++) top = (top < pushed[k] ? pushed[k] : top) + spanBytes[dead[k]];
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
    const { reach } = this;
    const { capacity } = this.so;
    const { span, spanBytes, spanFrom, spanTo } = this.so.items;
    for (let k = span[item]; k < span[item + 1]; k++) {
      const own = spanBytes[k];
      const last = spanTo[k];
      for (let s = spanFrom[k]; s <= last; s++) {
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
}
