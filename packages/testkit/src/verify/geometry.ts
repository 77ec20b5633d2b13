import type { Box, DType } from '@regrain/core-ir';

/** The verifier's own geometry: it shares no code with the kernel, whose boxes it judges. */
export const BYTES: Readonly<Record<DType, number>> = {
  float64: 8,
  int64: 8,
  uint64: 8,
  float32: 4,
  int32: 4,
  uint32: 4,
  float16: 2,
  int16: 2,
  uint16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
};

/** Elements in a box; 0 where any side is empty. */
export function count(box: Box): number {
  let n = 1;
  for (const [lo, hi] of box) n *= Math.max(0, hi - lo);
  return n;
}

/** Elements that two boxes share. */
export function shared(a: Box, b: Box): number {
  let n = 1;
  for (let d = 0; d < a.length; d++) {
    const side = Math.min(a[d][1], b[d][1]) - Math.max(a[d][0], b[d][0]);
    if (side <= 0) return 0;
    n *= side;
  }
  return n;
}

export function meet(a: Box, b: Box): Box {
  return a.map(([lo, hi], d) => [Math.max(lo, b[d][0]), Math.min(hi, b[d][1])] as const);
}

export function within(inner: Box, outer: Box): boolean {
  if (inner.length !== outer.length) return false;
  for (let d = 0; d < inner.length; d++) if (inner[d][0] < outer[d][0] || inner[d][1] > outer[d][1]) return false;
  return true;
}

export function equal(a: Box, b: Box): boolean {
  if (a.length !== b.length) return false;
  for (let d = 0; d < a.length; d++) if (a[d][0] !== b[d][0] || a[d][1] !== b[d][1]) return false;
  return true;
}

/** True if the union of `parts` (which may overlap) holds all of `box`: cuts away one part after the other. */
export function covered(box: Box, parts: readonly Box[]): boolean {
  let rest: Box[] = count(box) > 0 ? [box] : [];
  for (const part of parts) {
    const next: Box[] = [];
    for (const piece of rest) {
      if (shared(piece, part) === 0) {
        next.push(piece);
        continue;
      }
      let core = piece;
      for (let d = 0; d < piece.length; d++) {
        const cutTo = (lo: number, hi: number): Box => core.map((side, k) => (k === d ? [lo, hi] : side));
        if (core[d][0] < part[d][0]) next.push(cutTo(core[d][0], part[d][0]));
        if (part[d][1] < core[d][1]) next.push(cutTo(part[d][1], core[d][1]));
        core = cutTo(Math.max(core[d][0], part[d][0]), Math.min(core[d][1], part[d][1]));
      }
    }
    rest = next;
    if (rest.length === 0) return true;
  }
  return rest.length === 0;
}

/**
 * The first pair of boxes that share an element, or undefined. Sweeps along the axis with the most starting points; the boxes that
 * are open there are compared pair by pair.
 */
export function firstOverlap(boxes: readonly Box[]): readonly [number, number] | undefined {
  if (boxes.length < 2) return undefined;
  const rank = boxes[0].length;
  if (rank === 0) return [0, 1];
  const axis = busiestAxis(boxes);
  const order = boxes.map((_, k) => k).sort((a, b) => boxes[a][axis][0] - boxes[b][axis][0]);
  const open: number[] = [];
  let count = 0;
  for (const k of order) {
    const start = boxes[k][axis][0];
    let kept = 0;
    for (let at = 0; at < count; at++) {
      const other = open[at];
      if (boxes[other][axis][1] <= start) continue;
      if (shared(boxes[k], boxes[other]) > 0) return [Math.min(k, other), Math.max(k, other)];
      open[kept++] = other;
    }
    open[kept] = k;
    count = kept + 1;
  }
  return undefined;
}

/** The axis with the most starting points, apart from `other`. */
export function busiestAxis(boxes: readonly Box[], other = -1): number {
  const rank = boxes[0]?.length ?? 0;
  let [axis, most] = [0, 0];
  for (let d = 0; d < rank; d++) {
    if (d === other) continue;
    const starts = new Set(boxes.map((box) => box[d][0])).size;
    if (starts > most) [axis, most] = [d, starts];
  }
  return axis;
}

/**
 * Finds the members of a set of boxes that share an element with a query: slabs along the busiest axis, each with its members, by their
 * starts along the next busiest one.
 */
export class BoxLookup {
  private readonly axis: number;
  private readonly second: number;
  private readonly starts: number[];
  private readonly slabs: number[][];
  private readonly firstSlab: Int32Array;
  /** The longest extent along the second axis. */
  private longest = 0;

  constructor(private readonly boxes: readonly Box[]) {
    this.axis = busiestAxis(boxes);
    this.second = busiestAxis(boxes, this.axis);
    const { axis, second } = this;
    const rank = boxes[0]?.length ?? 0;
    this.starts = rank === 0 ? [0] : [...new Set(boxes.map((box) => box[axis][0]))].sort((a, b) => a - b);
    this.slabs = this.starts.map(() => []);
    this.firstSlab = new Int32Array(boxes.length);
    boxes.forEach((box, k) => {
      const from = rank === 0 ? 0 : this.slabOf(box[axis][0]);
      this.firstSlab[k] = from;
      if (rank === 0) this.slabs[0].push(k);
      else for (let s = from; s < this.starts.length && this.starts[s] < box[axis][1]; s++) this.slabs[s].push(k);
      if (rank > 0) this.longest = Math.max(this.longest, box[second][1] - box[second][0]);
    });
    if (rank > 0) for (const slab of this.slabs) slab.sort((a, b) => boxes[a][second][0] - boxes[b][second][0] || a - b);
  }

  /** Calls `visit` once for each member that meets the (non-empty) box. */
  visit(box: Box, visit: (member: number) => void): void {
    if (this.boxes.length === 0) return;
    if (box.length === 0) {
      for (const k of this.slabs[0]) visit(k);
      return;
    }
    const { boxes, second } = this;
    const [lo, hi] = box[this.axis];
    const end = box[second][1];
    const from = Math.max(0, this.slabOf(lo));
    for (let s = from; s < this.starts.length && (s === from || this.starts[s] < hi); s++) {
      const slab = this.slabs[s];
      for (let at = this.firstAbove(slab, box[second][0] - this.longest); at < slab.length; at++) {
        const k = slab[at];
        if (boxes[k][second][0] >= end) break;
        if (Math.max(from, this.firstSlab[k]) === s && shared(boxes[k], box) > 0) visit(k);
      }
    }
  }

  /** The first member of a slab that starts above the coordinate, along the second axis. */
  private firstAbove(slab: readonly number[], coordinate: number): number {
    let [lo, hi] = [0, slab.length];
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if (this.boxes[slab[mid]][this.second][0] <= coordinate) lo = mid + 1;
      else hi = mid;
    }
    return lo;
  }

  /** The last slab that starts at or before the coordinate; -1 if none does. */
  private slabOf(at: number): number {
    let [lo, hi] = [0, this.starts.length];
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if (this.starts[mid] <= at) lo = mid + 1;
      else hi = mid;
    }
    return lo - 1;
  }
}
