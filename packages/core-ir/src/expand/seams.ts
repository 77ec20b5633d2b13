import { type Box, intersect, volume } from '../ir/box.js';
import type { Access, Decomposition } from '../ir/decomposition.js';
import type { Program } from '../ir/program.js';
import { ELEMENT_BYTES } from '../ir/tensor.js';
import type { RegionIndex } from './region-index.js';

/** What one access reads, in the storage order of its instance. */
export interface ReadParts {
  /**
   * Runs of consecutive bytes if the tensor were stored whole: one for a box of whole rows, one per row for a box of some columns. Or if
   * its blocks were (`blocks` of `readParts`), if that is less: the fewest one-dimensional descriptors that fetch the box.
   */
  readonly lines: number;
  /** Runs if no region lay beside another one: parts of lines in one region that are consecutive there. */
  readonly pieces: number;
  /** Regions `a` and `b` of which, in a line, the first byte of `b` follows the last one of `a`: one run where they lie side by side. */
  readonly seams: readonly (readonly [a: number, b: number, bytes: number])[];
}

/**
 * Lines, pieces and seams of a read. `bytes` of a seam are those that are read of `b`. O(k) for k regions. Where rows of several regions
 * alternate, no placement makes one run of them: pieces, and no seam. Where they alternate because the regions are blocks along the
 * innermost dimension (channels after a concatenation, or groups of channels), the read goes block by block, each as if it were a tensor
 * of its own, if that can take fewer runs.
 */
export function readParts(program: Program, work: Decomposition, index: RegionIndex, { instance, box }: Access): ReadParts {
  const { tensor, order, dtype } = work.instances[instance];
  const { shape } = program.tensors[tensor];
  const rank = shape.length;
  const regions = index.touched(box);
  const stored: Stored = {
    whole: shape.map((extent) => [0, extent] as const),
    at: (q) => (order.length > 0 ? order[q] : q),
    boxOf: (region) => work.regions[region].box,
    elementBytes: ELEMENT_BYTES[dtype],
  };
  const together = partsOf(stored, box, regions);
  const inner = stored.at(rank - 1);
  const blocks =
    rank === 0 || regions.length === 0 ? [] : index.blocks(inner).filter(([lo, hi]) => lo < box[inner][1] && box[inner][0] < hi);
  const isBlock = ([lo, hi]: readonly [number, number]): boolean => lo > 0 || hi < shape[inner];
  if (!blocks.some(isBlock)) return together;
  const sum = { lines: 0, pieces: 0, seams: [] as ReadParts['seams'][number][] };
  for (const block of blocks) {
    const whole = stored.whole.map((range, d) => (d === inner ? block : range));
    const part = intersect(box, whole);
    if (!part) continue;
    const own = regions.filter((region) => stored.boxOf(region)[inner][0] >= block[0] && stored.boxOf(region)[inner][0] < block[1]);
    const { lines, pieces, seams } = partsOf({ ...stored, whole }, part, own);
    sum.lines += lines;
    sum.pieces += pieces;
    sum.seams.push(...seams);
  }
  const chosen = sum.pieces - sum.seams.length < together.pieces - together.seams.length ? sum : together;
  return { ...chosen, lines: Math.min(sum.lines, together.lines) };
}

interface Stored {
  /** All that is stored densely, but for cuts into regions. */
  readonly whole: Box;
  /** The dimension at a position of the storage order, outermost first. */
  readonly at: (q: number) => number;
  readonly boxOf: (region: number) => Box;
  readonly elementBytes: number;
}

function partsOf({ whole, at, boxOf, elementBytes }: Stored, box: Box, found: readonly number[]): ReadParts {
  const rank = whole.length;
  // Dimensions from here on make up a line: all inner ones are read whole.
  let line = rank - 1;
  while (line > 0 && box[at(line)][0] <= whole[at(line)][0] && box[at(line)][1] >= whole[at(line)][1]) line--;
  line = Math.max(0, line);
  const outer = (part: Box, upTo: number): number => {
    let product = 1;
    for (let q = 0; q < upTo; q++) product *= part[at(q)][1] - part[at(q)][0];
    return product;
  };
  let pieces = 0;
  for (const region of found) {
    const part = intersect(box, boxOf(region));
    if (!part) continue;
    let dense = rank - 1;
    // All of the region and all that is read: else the line leaves the region in between, or jumps within it.
    const all = (q: number): boolean =>
      [boxOf(region), box].every((each) => part[at(q)][0] === each[at(q)][0] && part[at(q)][1] === each[at(q)][1]);
    while (dense > 0 && all(dense)) dense--;
    pieces += outer(part, Math.max(line, dense));
  }
  const seams: [number, number, number][] = [];
  if (found.length > 1) {
    // Stored whole, this element would have that position.
    const position = (point: (d: number) => number): number => {
      let sum = 0;
      for (let q = 0; q < rank; q++) sum = sum * (whole[at(q)][1] - whole[at(q)][0]) + point(at(q)) - whole[at(q)][0];
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
      if (next !== undefined && part) seams.push([region, next, volume(part) * elementBytes]);
    }
  }
  return { lines: outer(box, line), pieces, seams };
}
