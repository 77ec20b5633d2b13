import type { Group, Piece } from './groups.js';

/** Width of a bucket, in times. */
const BUCKET = 32;

/**
 * Pieces that have their offset, found by time: buckets of time, each sorted by offset. Adding costs O(pieces of the buckets it
 * lives in); asking visits what lives in the group's buckets, lowest first.
 */
export class Occupancy {
  private readonly start: Float64Array;
  private readonly first: Int32Array;
  private readonly last: Int32Array;
  private readonly bytes: Float64Array;
  private readonly buckets: number[][];
  private readonly seen: Int32Array;
  private queries = 0;

  constructor(groups: readonly Group[], buffers: number) {
    this.start = new Float64Array(buffers);
    this.first = new Int32Array(buffers);
    this.last = new Int32Array(buffers);
    this.bytes = new Float64Array(buffers);
    this.seen = new Int32Array(buffers);
    const end = groups.reduce((most, { last }) => Math.max(most, last), 0);
    this.buckets = Array.from({ length: Math.floor(end / BUCKET) + 1 }, () => []);
  }

  offsetOf(buffer: number): number {
    return this.start[buffer];
  }

  add(group: Group, offset: number): void {
    for (const { buffer, at, bytes, first, last } of group.pieces) {
      this.start[buffer] = offset + at;
      this.first[buffer] = first;
      this.last[buffer] = last;
      this.bytes[buffer] = bytes;
      if (bytes === 0) continue;
      for (let b = Math.floor(first / BUCKET); b <= Math.floor(last / BUCKET); b++) {
        const list = this.buckets[b];
        list.splice(this.position(list, offset + at), 0, buffer);
      }
    }
  }

  /**
   * Offsets that the group must not start at: open intervals `(from, to)`, by rising `from`, flat. `visit` gets them until it
   * returns false.
   */
  forbidden(group: Group, visit: (from: number, to: number) => boolean): void {
    const [piece] = group.pieces;
    const bucket = Math.floor(piece.first / BUCKET);
    if (group.pieces.length === 1 && bucket === Math.floor(piece.last / BUCKET)) {
      for (const q of this.buckets[bucket]) {
        if (
          this.first[q] <= piece.last &&
          piece.first <= this.last[q] &&
          !visit(this.start[q] - piece.bytes, this.start[q] + this.bytes[q])
        )
          return;
      }
      return;
    }
    const found: number[] = [];
    for (const each of group.pieces) this.collect(each, found);
    const order = Array.from({ length: found.length / 2 }, (_, k) => 2 * k).sort((a, b) => found[a] - found[b]);
    for (const k of order) if (!visit(found[k], found[k + 1])) return;
  }

  private collect(piece: Piece, found: number[]): void {
    if (piece.bytes === 0) return;
    this.queries++;
    for (let b = Math.floor(piece.first / BUCKET); b <= Math.floor(piece.last / BUCKET); b++) {
      for (const q of this.buckets[b]) {
        if (this.seen[q] === this.queries) continue;
        this.seen[q] = this.queries;
        if (this.first[q] <= piece.last && piece.first <= this.last[q])
          found.push(this.start[q] - piece.bytes - piece.at, this.start[q] + this.bytes[q] - piece.at);
      }
    }
  }

  private position(list: readonly number[], offset: number): number {
    let lo = 0;
    let hi = list.length;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if (this.start[list[mid]] < offset) lo = mid + 1;
      else hi = mid;
    }
    return lo;
  }
}
