import type { Intervals } from './intervals.js';

/** What placing may still look at: nodes of the tree, and intervals there. */
export interface Work {
  left: number;
}

/** Sets of offsets that the pieces of a group must not meet. Used again for group after group: its lists stay. */
export class Asked {
  private readonly sets: Intervals[] = [];
  /** The piece's first byte, and the one behind its last, behind the group's offset. */
  private readonly from: number[] = [];
  private readonly to: number[] = [];
  /** The position in the set from which it may still be in the way. */
  private readonly next: number[] = [];
  private count = 0;

  clear(): void {
    this.count = 0;
  }

  add(set: Intervals, from: number, bytes: number): void {
    const k = this.count++;
    this.sets[k] = set;
    this.from[k] = from;
    this.to[k] = from + bytes;
    this.next[k] = 0;
  }

  /** The lowest offset from `at` on at which nothing that is asked is in the way; what is all below is asked no longer. */
  lowest(at: number, align: number, work: Work): number {
    const { sets, from, to, next } = this;
    for (let moved = true; moved; ) {
      moved = false;
      work.left -= this.count;
      let kept = 0;
      for (let each = 0; each < this.count; each++) {
        const set = sets[each];
        const { borders, count } = set;
        const begin = next[each];
        let k = begin;
        for (; k < count && borders[k] < at + to[each]; k += 2) {
          const end = borders[k + 1] - from[each];
          if (end <= at) continue;
          at = align > 1 ? Math.ceil(end / align) * align : end;
          moved = true;
        }
        work.left -= k - begin;
        if (k >= count) continue;
        sets[kept] = set;
        from[kept] = from[each];
        to[kept] = to[each];
        next[kept++] = k;
      }
      this.count = kept;
    }
    return at;
  }

  /** The highest offset up to which it stays so. */
  end(): number {
    let end = Number.POSITIVE_INFINITY;
    for (let k = 0; k < this.count; k++) end = Math.min(end, this.sets[k].borders[this.next[k]] - this.to[k]);
    return end;
  }
}
