import { boxOf, image, preimage } from '@regrain/core-ir';
import type { Geometry, Grid } from './geometry.js';
import { type Segment, type SegmentLimits, segmentsTo, type TallEnd } from './segment.js';
import { regionWidth, TileBytes, tileWidth } from './tile-bytes.js';

/** It must save this share of the segment's bytes. */
const WORTH = 0.02;
/** Segments that are made one, at most. */
const MERGED = 3;
/** Heights of the end that are looked at, at most. */
const HEIGHTS = 512;
/** A tall tile is made in parts, one below the other, so many at least and at most: of what is made anew only a part or two are held. */
const PARTS = [2, 8];
/** Rows of a part, at least. */
const PART_ROWS = 4;

/**
 * The segment with the last rows of its maps in tall tiles, column by column, where that takes fewer bytes. What is stored of a map that
 * the program puts out grows to the end, so the peak lies there: all of the result and the rows that are kept of every map before it.
 * Going on by columns frees those rows as the last of the result come; what is kept then are a few columns of as many rows as are left.
 * Nothing is computed twice: the kept rows are the upper halo of the tall tiles. O(heights × operations).
 */
function withTallEnd(geometry: Geometry, segment: Segment, limits: Pick<SegmentLimits, 'align' | 'maxTiles' | 'access'>): Segment {
  for (let held = segment.held; held; held = held.next) if (held.how === 'recomputed' || held.band > 1) return segment;
  if (segment.groups || segment.patches) return segment;
  const { nodes, grids } = geometry;
  const [result] = nodes[segment.last - 1].writes;
  const rows = grids[result].rows;
  // Where the result is finer than the maps before it, its tiles begin where theirs do.
  const finer = Math.max(1, Math.floor(rows / narrowest(geometry, segment, 'rows')));
  const step = Math.ceil(rows / HEIGHTS / finer) * finer;
  const plain = bytesOf(geometry, segment, limits, undefined);
  let best: { readonly bytes: number; readonly end: TallEnd } | undefined;
  for (let row = rows - step; row >= rows / 2; row -= step) {
    const end = {
      columns: 1,
      rows: partRows(geometry, segment, (rows - row) / finer, limits.align),
      from: cutsAbove(geometry, segment, row),
    };
    const bytes = bytesOf(geometry, segment, limits, end);
    if (bytes < (best?.bytes ?? plain - segment.bytes * WORTH)) best = { bytes, end };
  }
  return best ? { ...segment, bytes: segment.bytes - (plain - best.bytes), end: best.end } : segment;
}

/**
 * Segments with a tall end, where the highest of them is lower with it than the highest of those given. The last few are made one if
 * they must: a result that is stored between two segments is one that grows, too.
 */
export function endedTall(
  geometry: Geometry,
  segments: readonly Segment[],
  widths: readonly number[],
  limits: SegmentLimits,
): readonly Segment[] {
  const alone = { ...limits, extraMacs: 0, bands: [1], most: () => Number.POSITIVE_INFINITY };
  const highest = (list: readonly Segment[]): number => list.reduce((most, { bytes }) => Math.max(most, bytes), 0);
  let best = segments;
  for (let count = 1; count <= Math.min(MERGED, segments.length); count++) {
    const before = segments.slice(0, -count);
    const { first } = segments[before.length];
    if (!mayEndTall(geometry, first, limits)) continue;
    const visit = (found: Segment): void => {
      if (found.first !== first) return;
      const ended = [...before, withTallEnd(geometry, found, limits)];
      if (highest(ended) < highest(best) * (1 - WORTH)) best = ended;
    };
    for (const columns of widths) segmentsTo(geometry, geometry.nodes.length, columns, alone, visit, first);
  }
  return best;
}

/** Columns of a tall tile of one map. */
export function tallWidth(geometry: Geometry, segment: Segment, grid: Grid, columns: number): number {
  return Math.max(1, Math.round((columns * grid.columns) / narrowest(geometry, segment, 'columns')));
}

/** Rows of a tall tile of one map that are made at a time. */
export function tallRows(geometry: Geometry, segment: Segment, grid: Grid, rows: number): number {
  return Math.max(1, Math.round((rows * grid.rows) / narrowest(geometry, segment, 'rows')));
}

/** Rows of the parts of a tall tile so that rounding each up to `align` bytes wastes little. */
function partRows(geometry: Geometry, segment: Segment, height: number, align: number): number {
  const { nodes, grids, program } = geometry;
  const inside = nodes.slice(segment.first, segment.last).flatMap(({ writes }) => writes);
  const waste = (rows: number): number =>
    inside.reduce((most, tensor) => {
      if (program.outputs.includes(tensor)) return most;
      const grid = grids[tensor];
      const [all, part] = [height, rows].map((each) => tallRows(geometry, segment, grid, each));
      return Math.max(most, columnBytes(grid, all, part, align) / (all * grid.cellBytes));
    }, 1);
  const [fewest, most] = PARTS;
  let best = Math.max(Math.min(height, PART_ROWS), Math.ceil(height / most));
  for (let rows = best + 1; rows <= Math.ceil(height / fewest); rows++) if (waste(rows) < waste(best)) best = rows;
  return best;
}

/** One column of a map in parts, each aligned. */
function columnBytes({ cellBytes }: Grid, height: number, part: number, align: number): number {
  const bytes = (rows: number): number => Math.ceil((rows * cellBytes) / align) * align;
  return Math.floor(height / part) * bytes(part) + bytes(height % part);
}

/** Rows or columns of the map that has the fewest. */
function narrowest({ grids, nodes }: Geometry, { first, last }: Segment, side: 'rows' | 'columns'): number {
  return nodes.slice(first, last).reduce((least, { writes: [tensor] }) => Math.min(least, grids[tensor][side]), Number.POSITIVE_INFINITY);
}

/** From an operation on the program writes what it puts out, and works row by row on maps with columns, each made by one operation. */
function mayEndTall({ nodes, grids, writers, program }: Geometry, first: number, { access }: Pick<SegmentLimits, 'access'>): boolean {
  const inside = nodes.slice(first);
  return (
    inside.some(({ writes: [tensor] }) => program.outputs.includes(tensor)) &&
    inside.every(
      ({ streams, writes: [tensor], reads }) =>
        streams &&
        writers[tensor].length === 1 &&
        grids[tensor].columnAxis >= 0 &&
        reads.every((read) => read.rows && read.columns && access(read.tensor) !== 'streamed'),
    )
  );
}

/** The rows of every map that the first `row` rows of the last result need. */
function cutsAbove({ program, nodes, grids }: Geometry, { first, last }: Segment, row: number): Map<number, number> {
  const from = new Map<number, number>([[nodes[last - 1].writes[0], row]]);
  for (let o = last - 1; o >= first; o--) {
    const operation = program.operations[o];
    const [tensor] = nodes[o].writes;
    const own = from.get(tensor) ?? grids[tensor].rows;
    from.set(tensor, own);
    const write = operation.operands.find(({ mode }) => mode !== 'read');
    const above = boxOf(program.tensors[tensor].shape).map((range, d) => (d === grids[tensor].rowAxis ? ([0, own] as const) : range));
    const domain = write && preimage(operation, write, above);
    if (!domain) continue;
    for (const { tensor: read, mode, map } of operation.operands) {
      if (mode !== 'read' || grids[read].rowAxis < 0) continue;
      const [, need] = image(map, domain, program.tensors[read].shape)[grids[read].rowAxis];
      from.set(read, Math.max(from.get(read) ?? 0, need));
    }
  }
  return from;
}

/**
 * Bytes of the segment, less those that any way takes: the most before the tall end, when the kept rows are there and all of the result
 * above it, and in it. Without one, `end` undefined: all of the result and the kept rows.
 */
function bytesOf(
  geometry: Geometry,
  segment: Segment,
  { align, maxTiles, access }: Pick<SegmentLimits, 'align' | 'maxTiles' | 'access'>,
  end: TallEnd | undefined,
): number {
  const { nodes, grids, readers, program } = geometry;
  const { first, last } = segment;
  const sizes = new TileBytes(geometry, last, segment.columns, { align, maxTiles });
  const aligned = (bytes: number): number => Math.ceil(bytes / align) * align;
  const made = new Set(nodes.slice(first, last).map(({ writes: [tensor] }) => tensor));
  const read = new Set(nodes.slice(first, last).flatMap(({ reads }) => reads.map(({ tensor }) => tensor)));
  let all = 0;
  let above = 0;
  let kept = 0;
  let tall = 0;
  for (const tensor of new Set([...made, ...read])) {
    const grid = grids[tensor];
    const from = end?.from.get(tensor) ?? grid.rows;
    if (program.outputs.includes(tensor)) {
      if (!made.has(tensor)) continue;
      const column = grid.cellBytes * (grid.rows - from);
      const tile = tallWidth(geometry, segment, grid, end?.columns ?? 1);
      const width = regionWidth({ ...grid, cellBytes: column }, tile, align, 1);
      above += sizes.lineBytes(grid) * from;
      all += sizes.lineBytes(grid) * from + aligned(width * column) * Math.ceil(grid.columns / width);
      // The rows kept are freed tile by tile: what is made until the first is.
      if (end) above += (column * grid.columns * tileWidth(grid, segment.columns, maxTiles, align)) / grid.columns;
      continue;
    }
    if (!made.has(tensor)) {
      if (access(tensor) !== 'external') kept += (grid.bytes / grid.rows) * (grid.rows - from);
      continue;
    }
    let lines = 0;
    let stay = 0;
    let anew = 0;
    for (const reader of readers[tensor]) {
      const window = nodes[reader].reads.find((each) => each.tensor === tensor);
      if (!window?.rows || !window.columns) continue;
      const next = end?.from.get(nodes[reader].writes[0]) ?? grids[nodes[reader].writes[0]].rows;
      lines = Math.max(
        lines,
        end ? from - Math.max(0, Math.floor(next * window.rows.stride - window.rows.pad)) : window.rows.size - window.rows.stride,
      );
      const width = tallWidth(geometry, segment, grids[nodes[reader].writes[0]], end?.columns ?? 1);
      stay = Math.max(stay, window.columns.size - window.columns.stride);
      anew = Math.max(anew, width * window.columns.stride);
    }
    kept += Math.max(0, Math.ceil(lines)) * sizes.lineBytes(grid);
    if (!end) continue;
    const part = tallRows(geometry, segment, grid, end.rows);
    tall += Math.ceil(stay) * columnBytes(grid, grid.rows - from, part, align) + 2 * Math.ceil(anew) * aligned(part * grid.cellBytes);
  }
  return end ? Math.max(above + kept, all) + tall : all + kept;
}
