import type { Group, Piece } from './groups.js';

/** Width of a bucket, in times. */
const BUCKET = 128;
/** Pieces that live in so many buckets or more stand in a list of their own instead. */
const MANY = 8;

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
  /** Pieces of long lives, by offset. */
  private readonly long: number[] = [];
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
      const lists = isLong(first, last) ? [this.long] : this.buckets.slice(Math.floor(first / BUCKET), Math.floor(last / BUCKET) + 1);
      for (const list of lists) list.splice(this.position(list, offset + at), 0, buffer);
    }
  }

  /**
   * Offsets that the group must not start at: open intervals `(from, to)`, by rising `from`, flat. `visit` gets them until it
   * returns false.
   */
  forbidden(group: Group, visit: (from: number, to: number) => boolean): void {
    const [piece] = group.pieces;
    if (group.pieces.length === 1) {
      this.merge(piece, visit);
      return;
    }
    const found: number[] = [];
    for (const each of group.pieces) this.collect(each, found);
    for (const k of byStart(found)) if (!visit(found[2 * k], found[2 * k + 1])) return;
  }

  /** What lives with the piece, lowest start first, each once: the lists of its buckets and that of long lives, merged. */
  private merge(piece: Piece, visit: (from: number, to: number) => boolean): void {
    const first = Math.floor(piece.first / BUCKET);
    const near = this.buckets.slice(first, Math.floor(piece.last / BUCKET) + 1);
    const lists =
      near.length < MANY ? [this.long, ...near] : [this.long, [...new Set(near.flat())].sort((a, b) => this.start[a] - this.start[b])];
    const heads = lists.map(() => 0);
    this.queries++;
    for (;;) {
      let next = -1;
      for (let k = 0; k < lists.length; k++) {
        if (heads[k] < lists[k].length && (next < 0 || this.start[lists[k][heads[k]]] < this.start[lists[next][heads[next]]])) next = k;
      }
      if (next < 0) return;
      const q = lists[next][heads[next]++];
      if (this.first[q] > piece.last || piece.first > this.last[q] || this.seen[q] === this.queries) continue;
      this.seen[q] = this.queries;
      if (!visit(this.start[q] - piece.bytes, this.start[q] + this.bytes[q])) return;
    }
  }

  private collect(piece: Piece, found: number[]): void {
    if (piece.bytes === 0) return;
    this.queries++;
    for (const list of [this.long, ...this.buckets.slice(Math.floor(piece.first / BUCKET), Math.floor(piece.last / BUCKET) + 1)]) {
      for (const q of list) {
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

/** Positions of the pairs by rising start. Many are sorted as numbers that hold start and position: far faster than by comparison. */
function byStart(pairs: readonly number[]): Iterable<number> {
  const count = pairs.length / 2;
  const span = 2 ** Math.ceil(Math.log2(count + 1));
  let largest = 0;
  for (let k = 0; k < count; k++) largest = Math.max(largest, Math.abs(pairs[2 * k]));
  if (count < 32 || (largest + 1) * span > Number.MAX_SAFE_INTEGER) {
    return Array.from({ length: count }, (_, k) => k).sort((a, b) => pairs[2 * a] - pairs[2 * b]);
  }
  const keys = new Float64Array(count);
  for (let k = 0; k < count; k++) keys[k] = pairs[2 * k] * span + k;
  return keys.sort().map((key) => key - Math.floor(key / span) * span);
}

function isLong(first: number, last: number): boolean {
  return Math.floor(last / BUCKET) - Math.floor(first / BUCKET) >= MANY;
}
