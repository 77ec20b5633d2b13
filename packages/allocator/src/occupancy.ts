import type { Group } from './groups.js';
import { Intervals } from './intervals.js';

/** Intervals that a piece must not lie in. */
interface Asked {
  readonly borders: readonly number[];
  /** The piece's first byte, and the one behind its last, behind the group's offset. */
  readonly from: number;
  readonly to: number;
  /** The first interval that may still be in the way. */
  at: number;
}

/** What placing may still look at: nodes of the tree, and intervals there. */
export interface Work {
  left: number;
}

/**
 * Which offsets are taken when. A segment tree over the times: a piece is noted at the O(log times) nodes that its life consists of, and
 * above them as long as it is new there. Notes are united to intervals, so there are few where little is free: what a query looks at
 * hardly grows with the number of pieces.
 */
export class Occupancy {
  private readonly start: Float64Array;
  /** Leaves begin here. */
  private readonly size: number;
  /** By node: taken through all its times, and taken at some of them. */
  private readonly always: (Intervals | undefined)[];
  private readonly sometimes: (Intervals | undefined)[];

  constructor(
    groups: readonly Group[],
    buffers: number,
    private readonly work: Work = { left: Number.POSITIVE_INFINITY },
  ) {
    this.start = new Float64Array(buffers);
    const times = groups.reduce((most, { last }) => Math.max(most, last), 0) + 1;
    this.size = 2 ** Math.ceil(Math.log2(times));
    this.always = new Array(2 * this.size);
    this.sometimes = new Array(this.size);
  }

  offsetOf(buffer: number): number {
    return this.start[buffer];
  }

  add(group: Group, offset: number): void {
    for (const { buffer, at, bytes, first, last } of group.pieces) {
      this.start[buffer] = offset + at;
      if (bytes === 0) continue;
      this.eachNode(first, last, (node, inside) => {
        if (inside) this.note(node, offset + at, offset + at + bytes);
      });
    }
  }

  /**
   * Where the group may begin at multiples of its alignment, from the lowest on: from `at` up to `end`, until `visit` returns false. The
   * last has no end.
   */
  free(group: Group, visit: (at: number, end: number) => boolean): void {
    const asked = this.asked(group);
    for (let at = 0; ; ) {
      at = this.lowest(asked, at, group.align);
      const end = endOf(asked);
      if (!visit(at, end) || end === Number.POSITIVE_INFINITY) return;
      // Behind `end` something is in the way.
      at = end + 1;
    }
  }

  isFree(group: Group, offset: number): boolean {
    for (const { at, bytes, first, last } of group.pieces) {
      if (bytes === 0) continue;
      const from = offset + at;
      let looked = 0;
      const taken = this.someNode(first, last, (node, inside) => {
        looked++;
        return (this.always[node]?.meets(from, from + bytes) || (inside && this.sometimes[node]?.meets(from, from + bytes))) ?? false;
      });
      this.work.left -= looked;
      if (taken) return false;
    }
    return true;
  }

  private asked(group: Group): Asked[] {
    const asked: Asked[] = [];
    for (const { at, bytes, first, last } of group.pieces) {
      if (bytes === 0) continue;
      this.eachNode(first, last, (node, inside) => {
        this.ask(asked, this.always[node], at, bytes);
        if (inside) this.ask(asked, this.sometimes[node], at, bytes);
      });
    }
    return asked;
  }

  private ask(asked: Asked[], intervals: Intervals | undefined, from: number, bytes: number): void {
    if (intervals) asked.push({ borders: intervals.borders, from, to: from + bytes, at: 0 });
  }

  private eachNode(first: number, last: number, visit: (node: number, inside: boolean) => void): void {
    this.someNode(first, last, (node, inside) => {
      visit(node, inside);
      return false;
    });
  }

  /** The largest nodes that make up the span of time, and those above them, until one is found; false where none is. */
  private someNode(first: number, last: number, found: (node: number, inside: boolean) => boolean): boolean {
    let left = first + this.size;
    let right = last + this.size + 1;
    // Above the span's first and last time.
    let before = left;
    let behind = right - 1;
    while (before > 0) {
      if (left < right) {
        if (left & 1 && found(left++, true)) return true;
        if (right & 1 && found(--right, true)) return true;
      }
      left >>= 1;
      right >>= 1;
      before >>= 1;
      behind >>= 1;
      if (before > 0 && (before < left || left >= right) && found(before, false)) return true;
      if (behind !== before && (behind >= right || left >= right) && found(behind, false)) return true;
    }
    return false;
  }

  /** The lowest offset from `at` on at which nothing that is asked is in the way; what is all below is asked no longer. */
  private lowest(asked: Asked[], at: number, align: number): number {
    for (let moved = true; moved; ) {
      moved = false;
      this.work.left -= asked.length;
      let kept = 0;
      for (const each of asked) {
        const { borders, from, to } = each;
        let next = each.at;
        for (; next < borders.length && borders[next] < at + to; next += 2) {
          const end = borders[next + 1] - from;
          if (end <= at) continue;
          at = align > 1 ? Math.ceil(end / align) * align : end;
          moved = true;
        }
        this.work.left -= next - each.at;
        each.at = next;
        if (next < borders.length) asked[kept++] = each;
      }
      asked.length = kept;
    }
    return at;
  }

  private note(node: number, from: number, to: number): void {
    (this.always[node] ??= new Intervals()).add(from, to);
    for (let above = node >> 1; above > 0; above >>= 1) {
      if (!(this.sometimes[above] ??= new Intervals()).add(from, to)) return;
    }
  }
}

/** The highest offset up to which it stays so. */
function endOf(asked: readonly Asked[]): number {
  let end = Number.POSITIVE_INFINITY;
  for (const { borders, to, at } of asked) end = Math.min(end, borders[at] - to);
  return end;
}
