import type { Box } from '../ir/box.js';
import { overlaps } from '../ir/box.js';
import type { Region } from '../ir/decomposition.js';

type Visit = (region: number, regionBox: Box) => void;

const NO_CUTS: readonly number[][] = [];

/**
 * Which regions of one instance a box touches. Regions that form a grid (bands, tiles, channel blocks of bands) are found by binary
 * search per axis; any other set by a scan along the axis that has the most cuts. O(log n + hits) for grids.
 */
export class RegionIndex {
  private readonly ids: ArrayLike<number>;
  private readonly boxes: readonly Box[];
  /** Per axis the ascending lower cuts; a grid if the product of their counts is the number of regions. */
  private readonly cuts: readonly number[][];
  private readonly grid?: Int32Array;
  /** Of a grid, the axes along which there are several cells. */
  private readonly split: readonly number[] = [];
  private readonly scanAxis: number = 0;
  private readonly longest: number = 0;
  /** By axis, once asked for. */
  private readonly ranges = new Map<number, readonly (readonly [number, number])[]>();

  /** `ids[k]` is the region whose box is `boxes[k]`. */
  constructor(ids: readonly number[], boxes: readonly Box[]) {
    const rank = boxes.length > 0 ? boxes[0].length : 0;
    if (boxes.length <= 1) {
      // Whole tensors: there may be millions, so nothing is made for them.
      this.cuts = NO_CUTS;
      this.ids = ids;
      this.boxes = boxes;
      if (boxes.length === 1 && rank > 0) this.longest = boxes[0][0][1] - boxes[0][0][0];
      return;
    }
    this.cuts = Array.from({ length: rank }, (_, d) => [...new Set(boxes.map((box) => box[d][0]))].sort((a, b) => a - b));
    const cells = this.cuts.reduce((product, cuts) => product * cuts.length, 1);
    const grid = cells === boxes.length ? this.toGrid(boxes) : undefined;
    if (grid) {
      this.grid = grid;
      this.split = [...this.cuts.keys()].filter((d) => this.cuts[d].length > 1);
      this.ids = Int32Array.from(ids);
      this.boxes = boxes;
      return;
    }
    for (let d = 1; d < rank; d++) if (this.cuts[d].length > this.cuts[this.scanAxis].length) this.scanAxis = d;
    const axis = this.scanAxis;
    const order = boxes.map((_, k) => k);
    if (rank > 0) order.sort((a, b) => boxes[a][axis][0] - boxes[b][axis][0] || a - b);
    this.ids = Int32Array.from(order, (k) => ids[k]);
    this.boxes = order.map((k) => boxes[k]);
    if (rank > 0) for (const box of boxes) this.longest = Math.max(this.longest, box[axis][1] - box[axis][0]);
  }

  /** Whether the boxes are several cells of a grid, and so share no element. */
  get isGrid(): boolean {
    return this.grid !== undefined;
  }

  /** Calls `visit(region, its box)` for every region that shares an element with `box`. */
  forEach(box: Box, visit: Visit): void {
    if (this.grid) {
      this.visitGrid(box, 0, 0, visit);
      return;
    }
    const axis = this.scanAxis;
    let k = box.length === 0 ? 0 : this.firstAtLeast(box[axis][0] - this.longest + 1);
    for (; k < this.boxes.length; k++) {
      if (box.length > 0 && this.boxes[k][axis][0] >= box[axis][1]) break;
      if (overlaps(this.boxes[k], box)) visit(this.ids[k], this.boxes[k]);
    }
  }

  /** The regions that share an element with `box`. */
  touched(box: Box): number[] {
    const found: number[] = [];
    this.forEach(box, (region) => found.push(region));
    return found;
  }

  /** Along one axis, the ranges into which all regions fall, ascending: none overlaps another. Empty where some regions do in part. */
  blocks(axis: number): readonly (readonly [number, number])[] {
    let known = this.ranges.get(axis);
    if (!known) {
      const sorted = [...new Map(this.boxes.map((box) => [String(box[axis]), box[axis]])).values()].sort(
        (a, b) => a[0] - b[0] || a[1] - b[1],
      );
      known = sorted.every(([lo], k) => k === 0 || sorted[k - 1][1] <= lo) ? sorted : [];
      this.ranges.set(axis, known);
    }
    return known;
  }

  private toGrid(boxes: readonly Box[]): Int32Array | undefined {
    const grid = new Int32Array(boxes.length).fill(-1);
    for (let k = 0; k < boxes.length; k++) {
      let cell = 0;
      for (let d = 0; d < this.cuts.length; d++) {
        const cuts = this.cuts[d];
        const at = lowerBound(cuts, boxes[k][d][0]);
        // A grid's cells end where the next begins, or anywhere before it.
        if (at + 1 < cuts.length && boxes[k][d][1] > cuts[at + 1]) return undefined;
        cell = cell * cuts.length + at;
      }
      if (grid[cell] >= 0) return undefined;
      grid[cell] = k;
    }
    return grid;
  }

  /** Visits along the n-th split axis and those behind it; `cell` is where the axes before it are. */
  private visitGrid(box: Box, n: number, cell: number, visit: Visit): void {
    const d = this.split[n];
    const cuts = this.cuts[d];
    const [lo, hi] = box[d];
    for (let at = Math.max(0, lowerBound(cuts, lo + 1) - 1); at < cuts.length && cuts[at] < hi; at++) {
      if (n + 1 < this.split.length) {
        this.visitGrid(box, n + 1, cell * cuts.length + at, visit);
        continue;
      }
      const k = (this.grid as Int32Array)[cell * cuts.length + at];
      if (overlaps(this.boxes[k], box)) visit(this.ids[k], this.boxes[k]);
    }
  }

  private firstAtLeast(value: number): number {
    let lo = 0;
    let hi = this.boxes.length;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if (this.boxes[mid][this.scanAxis][0] < value) lo = mid + 1;
      else hi = mid;
    }
    return lo;
  }
}

function lowerBound(sorted: readonly number[], value: number): number {
  let lo = 0;
  let hi = sorted.length;
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (sorted[mid] < value) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}

/** The regions of a work by instance: one index per instance that has several, made when it is asked for first. */
export class RegionIndexes {
  /** Regions of instance i: `ids[first[i]] … ids[first[i + 1] - 1]`. */
  private readonly first: Int32Array;
  private readonly ids: Int32Array;
  /** Of each region. */
  readonly instanceOf: Int32Array;
  private readonly made = new Map<number, RegionIndex>();

  constructor(
    instances: number,
    private readonly regions: readonly Region[],
  ) {
    const first = new Int32Array(instances + 2);
    const instanceOf = new Int32Array(regions.length);
    for (let r = 0; r < regions.length; r++) {
      instanceOf[r] = regions[r].instance;
      first[instanceOf[r] + 2]++;
    }
    for (let i = 2; i < first.length; i++) first[i] += first[i - 1];
    this.ids = new Int32Array(regions.length);
    for (let r = 0; r < regions.length; r++) this.ids[first[instanceOf[r] + 1]++] = r;
    this.instanceOf = instanceOf;
    this.first = first;
  }

  /** Calls `visit(region, its box)` for every region of the instance that shares an element with `box`. */
  forEach(instance: number, box: Box, visit: Visit): void {
    const start = this.first[instance];
    const count = this.first[instance + 1] - start;
    if (count > 1) this.at(instance).forEach(box, visit);
    else if (count === 1) {
      const region = this.ids[start];
      const { box: own } = this.regions[region];
      if (overlaps(own, box)) visit(region, own);
    }
  }

  /** The regions of the instance that share an element with `box`. */
  touched(instance: number, box: Box): number[] {
    const found: number[] = [];
    this.forEach(instance, box, (region) => found.push(region));
    return found;
  }

  at(instance: number): RegionIndex {
    let index = this.made.get(instance);
    if (!index) {
      const ids = Array.from(this.ids.subarray(this.first[instance], this.first[instance + 1]));
      index = new RegionIndex(
        ids,
        ids.map((id) => this.regions[id].box),
      );
      this.made.set(instance, index);
    }
    return index;
  }
}

const known = new WeakMap<readonly Region[], RegionIndexes>();

/** The same for the same regions: stage after stage asks. */
export function indexRegions(work: { readonly instances: readonly unknown[]; readonly regions: readonly Region[] }): RegionIndexes {
  let indexes = known.get(work.regions);
  if (!indexes) {
    indexes = new RegionIndexes(work.instances.length, work.regions);
    known.set(work.regions, indexes);
  }
  return indexes;
}
