import { Asked, type Work } from './asked.js';
import type { Group } from './groups.js';
import { Intervals } from './intervals.js';

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
  /** Nodes of a span, and which of them lie in it: used again for every one. */
  private readonly nodes: number[] = [];
  private readonly inside: boolean[] = [];
  private readonly asked = new Asked();
  /** By node, how many pieces that are not added yet consist of it, if each is asked for no more once it is added. */
  private readonly awaited: Int32Array | undefined;

  /** `once`: no group is asked for after it is added, so what only such would look at is not noted. */
  constructor(
    groups: readonly Group[],
    buffers: number,
    private readonly work: Work = { left: Number.POSITIVE_INFINITY },
    once = false,
  ) {
    this.start = new Float64Array(buffers);
    const times = groups.reduce((most, { last }) => Math.max(most, last), 0) + 1;
    this.size = 2 ** Math.ceil(Math.log2(times));
    this.always = new Array(2 * this.size);
    this.sometimes = new Array(this.size);
    if (once) this.awaited = this.countAwaited(groups);
  }

  offsetOf(buffer: number): number {
    return this.start[buffer];
  }

  add(group: Group, offset: number): void {
    for (const { buffer, at, bytes, first, last } of group.pieces) {
      this.start[buffer] = offset + at;
      if (bytes === 0) continue;
      const count = this.findInside(first, last);
      for (let k = 0; k < count; k++) {
        const node = this.nodes[k];
        if (this.awaited) this.awaited[node]--;
        this.note(node, offset + at, offset + at + bytes);
      }
    }
  }

  /**
   * Where the group may begin at multiples of its alignment, from the lowest on: from `at` up to `end`, until `visit` returns false. The
   * last has no end.
   */
  free(group: Group, visit: (at: number, end: number) => boolean): void {
    const asked = this.ask(group);
    for (let at = 0; ; ) {
      at = asked.lowest(at, group.align, this.work);
      const end = asked.end();
      if (!visit(at, end) || end === Number.POSITIVE_INFINITY) return;
      // Behind `end` something is in the way.
      at = end + 1;
    }
  }

  /** The lowest offset at which the group may begin. */
  lowestOf(group: Group): number {
    return this.ask(group).lowest(0, group.align, this.work);
  }

  /** The offset in the smallest room for the group, of equal ones the lowest. */
  tightestOf(group: Group): number {
    const asked = this.ask(group);
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let at = 0; ; ) {
      at = asked.lowest(at, group.align, this.work);
      const end = asked.end();
      const room = end - at;
      if (room < least || least === Number.POSITIVE_INFINITY) {
        best = at;
        least = room;
      }
      if (end === Number.POSITIVE_INFINITY) return best;
      at = end + 1;
    }
  }

  /** May be asked while `free` visits. */
  isFree(group: Group, offset: number): boolean {
    for (const { at, bytes, first, last } of group.pieces) {
      if (bytes === 0) continue;
      const from = offset + at;
      const count = this.findNodes(first, last);
      for (let k = 0; k < count; k++) {
        this.work.left--;
        const node = this.nodes[k];
        if (this.always[node]?.meets(from, from + bytes)) return false;
        if (this.inside[k] && this.sometimes[node]?.meets(from, from + bytes)) return false;
      }
    }
    return true;
  }

  private ask(group: Group): Asked {
    const { asked } = this;
    asked.clear();
    for (const { at, bytes, first, last } of group.pieces) {
      if (bytes === 0) continue;
      const count = this.findNodes(first, last);
      for (let k = 0; k < count; k++) {
        const node = this.nodes[k];
        const always = this.always[node];
        if (always) asked.add(always, at, bytes);
        const sometimes = this.inside[k] ? this.sometimes[node] : undefined;
        if (sometimes) asked.add(sometimes, at, bytes);
      }
    }
    return asked;
  }

  private countAwaited(groups: readonly Group[]): Int32Array {
    const awaited = new Int32Array(2 * this.size);
    for (const { pieces } of groups) {
      for (const { bytes, first, last } of pieces) {
        if (bytes === 0) continue;
        const count = this.findInside(first, last);
        for (let k = 0; k < count; k++) awaited[this.nodes[k]]++;
      }
    }
    return awaited;
  }

  /** Lists the largest nodes that make up the span of time; how many there are. */
  private findInside(first: number, last: number): number {
    const { nodes } = this;
    let count = 0;
    for (let left = first + this.size, right = last + this.size + 1; left < right; left >>= 1, right >>= 1) {
      if (left & 1) nodes[count++] = left++;
      if (right & 1) nodes[count++] = --right;
    }
    return count;
  }

  /** Lists the same nodes and those above them; how many there are. */
  private findNodes(first: number, last: number): number {
    const { nodes, inside } = this;
    let count = 0;
    let left = first + this.size;
    let right = last + this.size + 1;
    // Above the span's first and last time.
    let before = left;
    let behind = right - 1;
    while (before > 0) {
      if (left < right) {
        if (left & 1) {
          nodes[count] = left++;
          inside[count++] = true;
        }
        if (right & 1) {
          nodes[count] = --right;
          inside[count++] = true;
        }
      }
      left >>= 1;
      right >>= 1;
      before >>= 1;
      behind >>= 1;
      if (before > 0 && (before < left || left >= right)) {
        nodes[count] = before;
        inside[count++] = false;
      }
      if (behind !== before && (behind >= right || left >= right)) {
        nodes[count] = behind;
        inside[count++] = false;
      }
    }
    return count;
  }

  private note(node: number, from: number, to: number): void {
    (this.always[node] ??= new Intervals()).add(from, to);
    const { awaited } = this;
    for (let above = node >> 1; above > 0; above >>= 1) {
      if (awaited && awaited[above] === 0) continue;
      if (!(this.sometimes[above] ??= new Intervals()).add(from, to)) return;
    }
  }
}
