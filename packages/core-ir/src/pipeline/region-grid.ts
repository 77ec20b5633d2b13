import type { Residency } from '../extension-points/mover.js';
import type { Box } from '../ir/box.js';
import type { Program } from '../ir/program.js';
import type { Drafted } from './draft.js';

export type Life = Pick<Residency, 'bytes' | 'first' | 'last'>;

/** The regions of one tensor: a grid, none of which works in another's bytes, each at one place all its life. */
export interface RegionGrid {
  readonly tensor: number;
  readonly space: number;
  /** Per dimension the ranges into which it is cut. */
  readonly ranges: readonly (readonly (readonly [number, number])[])[];
  /** By cell of the grid. */
  readonly lives: readonly Residency[];
  /** The dimension along which regions may be merged. */
  readonly axis: number;
}

/** Tensors whose regions may be merged: those of one instance that are a grid, tied to no other, and pinned nowhere. */
export function gridsOf(
  { tensors }: Program,
  { work, residencies }: Pick<Drafted<'work' | 'residencies'>, 'work' | 'residencies'>,
  pinned: ReadonlySet<string>,
): RegionGrid[] {
  const lifeOf = new Map<number, Residency[]>();
  const tied = new Set<Residency>();
  for (const residency of residencies) {
    const { holds, with: tie } = residency;
    if (tie) tied.add(residency).add(residencies[tie.placement]);
    if (!('region' in holds)) continue;
    const known = lifeOf.get(holds.region);
    if (known) known.push(residency);
    else lifeOf.set(holds.region, [residency]);
  }
  const regionsOf: number[][] = work.instances.map(() => []);
  work.regions.forEach(({ instance }, region) => {
    regionsOf[instance].push(region);
  });
  const instancesOf = tensors.map(() => 0);
  for (const { tensor } of work.instances) instancesOf[tensor]++;
  return work.instances.flatMap(({ tensor, order }, instance): RegionGrid[] => {
    const regions = regionsOf[instance];
    const { shape, name } = tensors[tensor];
    if (regions.length < 2 || instancesOf[tensor] > 1 || pinned.has(name)) return [];
    const lives = regions.map((region) => lifeOf.get(region) ?? []);
    const [space] = lives[0].map((residency) => residency.space);
    if (lives.some((list) => list.length !== 1 || list[0].space !== space || tied.has(list[0]))) return [];
    const boxes = regions.map((region) => work.regions[region].box);
    const ranges = shape.map((_, d) => rangesOf(boxes, d));
    if (ranges.reduce((product, list) => product * list.length, 1) !== boxes.length || ranges.some((list) => list.length === 0)) return [];
    const byCell = new Map(boxes.map((box, k) => [String(box), lives[k][0]]));
    const cells = cellsOf(ranges).map((box) => byCell.get(String(box)));
    if (cells.some((life) => life === undefined)) return [];
    const innermostFirst = shape.map((_, q) => (order.length > 0 ? order[q] : q)).reverse();
    // Blocks along the innermost dimension have other lives.
    const axis = innermostFirst.slice(1).find((d) => ranges[d].length > 1);
    return axis === undefined ? [] : [{ tensor, space, ranges, lives: cells as Residency[], axis }];
  });
}

/** The ranges of boxes along a dimension; empty where they overlap in part. */
function rangesOf(boxes: readonly Box[], d: number): (readonly [number, number])[] {
  const sorted = [...new Map(boxes.map((box) => [String(box[d]), box[d]])).values()].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  return sorted.every(([lo], k) => k === 0 || sorted[k - 1][1] === lo) ? sorted : [];
}

function cellsOf(ranges: RegionGrid['ranges']): Box[] {
  return ranges.reduce<Box[]>((boxes, list) => boxes.flatMap((box) => list.map((range) => [...box, range])), [[]]);
}

function coarse({ ranges }: RegionGrid, factors: readonly number[]): RegionGrid['ranges'] {
  return ranges.map((list, d) => {
    const found: (readonly [number, number])[] = [];
    for (let k = 0; k < list.length; k += factors[d]) found.push([list[k][0], list[Math.min(k + factors[d], list.length) - 1][1]]);
    return found;
  });
}

/** The grid with so many ranges of each dimension merged into one, as boxes. */
export function boxesOf(grid: RegionGrid, factors: readonly number[]): Box[] {
  return cellsOf(coarse(grid, factors));
}

/** Bytes and lives of those boxes. */
export function livesOf(grid: RegionGrid, factors: readonly number[]): Life[] {
  const { ranges, lives } = grid;
  const counts = ranges.map((list, d) => Math.ceil(list.length / factors[d]));
  const found = Array.from({ length: counts.reduce((a, b) => a * b, 1) }, () => ({ bytes: 0, first: Number.POSITIVE_INFINITY, last: -1 }));
  lives.forEach(({ bytes, first, last }, cell) => {
    let rest = cell;
    let at = 0;
    let scale = 1;
    for (let d = ranges.length - 1; d >= 0; d--) {
      const k = rest % ranges[d].length;
      rest = (rest - k) / ranges[d].length;
      at += Math.floor(k / factors[d]) * scale;
      scale *= counts[d];
    }
    const into = found[at];
    into.bytes += bytes;
    into.first = Math.min(into.first, first);
    into.last = Math.max(into.last, last);
  });
  return found;
}
