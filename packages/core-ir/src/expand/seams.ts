import { type Box, intersect, volume } from '../ir/box.js';
import type { Access, Decomposition } from '../ir/decomposition.js';
import type { Program } from '../ir/program.js';
import { ELEMENT_BYTES } from '../ir/tensor.js';
import type { RegionIndex } from './region-index.js';

/** What one access reads, in the storage order of its instance. */
export interface ReadParts {
  /**
   * Runs of consecutive bytes if the tensor were stored whole: one for a box of whole rows, one per row for a box of some columns. The
   * fewest one-dimensional descriptors that fetch the box.
   */
  readonly lines: number;
  /** Runs if no region lay beside another one: parts of lines in one region that are consecutive there. */
  readonly pieces: number;
  /** Regions `a` and `b` of which, in a line, the first byte of `b` follows the last one of `a`: one run where they lie side by side. */
  readonly seams: readonly (readonly [a: number, b: number, bytes: number])[];
}

/**
 * Lines, pieces and seams of a read. `bytes` of a seam are those that are read of `b`. O(k) for k regions. Where rows of several regions
 * alternate, no placement makes one run of them: pieces, and no seam.
 */
export function readParts(program: Program, work: Decomposition, index: RegionIndex, { instance, box }: Access): ReadParts {
  const { tensor, order, dtype } = work.instances[instance];
  const { shape } = program.tensors[tensor];
  const at = (q: number): number => (order.length > 0 ? order[q] : q);
  const rank = shape.length;
  // Dimensions from here on make up a line: all inner ones are read whole.
  let line = rank - 1;
  while (line > 0 && box[at(line)][0] <= 0 && box[at(line)][1] >= shape[at(line)]) line--;
  line = Math.max(0, line);
  const outer = (part: Box, upTo: number): number => {
    let product = 1;
    for (let q = 0; q < upTo; q++) product *= part[at(q)][1] - part[at(q)][0];
    return product;
  };
  const found = index.touched(box);
  const boxOf = (region: number): Box => work.regions[region].box;
  let pieces = 0;
  for (const region of found) {
    const part = intersect(box, boxOf(region));
    if (!part) continue;
    let dense = rank - 1;
    // All of the region and all that is read: else the line leaves the region in between, or jumps within it.
    const whole = (q: number): boolean =>
      [boxOf(region), box].every((each) => part[at(q)][0] === each[at(q)][0] && part[at(q)][1] === each[at(q)][1]);
    while (dense > 0 && whole(dense)) dense--;
    pieces += outer(part, Math.max(line, dense));
  }
  const seams: [number, number, number][] = [];
  if (found.length > 1) {
    // Stored whole, the tensor would have this element at that position.
    const position = (point: (d: number) => number): number => {
      let sum = 0;
      for (let q = 0; q < rank; q++) sum = sum * shape[at(q)] + point(at(q));
      return sum;
    };
    const holds = (point: (d: number) => number): boolean => box.every(([lo, hi], d) => lo <= point(d) && point(d) < hi);
    const begins = new Map<number, number>();
    for (const region of found) {
      const first = (d: number): number => boxOf(region)[d][0];
      if (holds(first)) begins.set(position(first), region);
    }
    for (const region of found) {
      const last = (d: number): number => boxOf(region)[d][1] - 1;
      const next = holds(last) ? begins.get(position(last) + 1) : undefined;
      const part = next === undefined ? undefined : intersect(box, boxOf(next));
      if (next !== undefined && part) seams.push([region, next, volume(part) * ELEMENT_BYTES[dtype]]);
    }
  }
  return { lines: outer(box, line), pieces, seams };
}
