import { ELEMENT_BYTES, type IndexMap, type Operation, shifted } from '@regrain/core-ir';
import type { Geometry, Grid } from './geometry.js';

/** Operations that widen a map and slide a window over each channel alone, and one that sums over the channels, if it belongs to them. */
export interface Bottleneck {
  /** Results: wide, and slid over. */
  readonly wide: number;
  readonly slid: number;
  /** Dimension of the channels in the two. */
  readonly axis: number;
  readonly channels: number;
  /** The narrow result, and the dimension of its operation's domain that sums over the channels. */
  readonly narrow?: { readonly tensor: number; readonly axis: number };
  /** Rows and columns of the wide map that one result reads, and by how many it advances. */
  readonly window: { readonly rows: readonly [number, number]; readonly columns: readonly [number, number] };
  /** Bytes of what all groups add to: the narrow result's partial sums, or the map slid over, which stays. */
  readonly sumBytes: number;
}

/** Numbers of groups to choose from. */
export const GROUPS = [2, 3, 4, 6, 8, 12, 16, 24, 32];

/**
 * The bottleneck that operations `first … last - 1` are, if they are one: then they can run a group of channels at a time, with the
 * narrow result's partial sums held for all of its map. On small maps with large windows the sums take less than the rows of the wide
 * map would. Without the third operation (behind a squeeze-and-excite) the map slid over is stored, and the wide one takes less. Sources:
 * fused depthwise tiling (FDT, Stahl et al. 2023), partial execution (Pex, Liberis & Lane 2023).
 */
export function bottleneckAt(geometry: Geometry, first: number, last: number): Bottleneck | undefined {
  const { program, nodes, grids, readers, writers } = geometry;
  const [widen, slide, narrowing] = program.operations.slice(first, last);
  if (last - first < 2 || last - first > 3) return undefined;
  if (nodes.slice(first, last).some(({ writes, streams }) => writes.length !== 1 || !streams || writers[writes[0]].length !== 1))
    return undefined;
  const [[wide], [slid]] = [nodes[first].writes, nodes[first + 1].writes];
  if (String(readers[wide]) !== String(first + 1) || program.outputs.includes(wide) || nodes[first + 1].reads.length !== 1)
    return undefined;
  const [{ rows, columns }] = nodes[first + 1].reads;
  if (!rows || !columns) return undefined;
  const axis = program.tensors[wide].shape.findIndex((extent, d) => {
    const own = [grids[wide], grids[slid]].every(({ rowAxis, columnAxis }) => d !== rowAxis && d !== columnAxis);
    return own && extent > 1 && extent === program.tensors[slid].shape[d];
  });
  if (axis < 0) return undefined;
  const channels = program.tensors[wide].shape[axis];
  const made = dimension(widen, wide, axis, 'write');
  const read = dimension(slide, wide, axis, 'read');
  if (made < 0 || read < 0 || read !== dimension(slide, slid, axis, 'write')) return undefined;
  if (slide.domain[read].kind !== 'parallel' || widen.domain[made].kind !== 'parallel') return undefined;
  const window = { rows: [rows.size, rows.stride], columns: [columns.size, columns.stride] } as const;
  const found = { wide, slid, axis, channels, window };
  if (!narrowing) return { ...found, sumBytes: grids[slid].bytes };
  const sumAxis = dimension(narrowing, slid, axis, 'read');
  const alone = String(readers[slid]) === String(first + 2) && !program.outputs.includes(slid) && nodes[first + 2].reads.length === 1;
  if (!alone || !narrowing.body || sumAxis < 0 || narrowing.domain[sumAxis].kind !== 'reduction') return undefined;
  if (narrowing.domain[sumAxis].extent !== channels) return undefined;
  const [tensor] = nodes[first + 2].writes;
  const elements = program.tensors[tensor].shape.reduce((a, b) => a * b, 1);
  return { ...found, narrow: { tensor, axis: sumAxis }, sumBytes: elements * ELEMENT_BYTES[narrowing.body.acc] };
}

/** The dimension of an operation's domain that runs along a tensor's axis, all of it and nothing else; -1: none. */
function dimension(operation: Operation, tensor: number, axis: number, mode: 'read' | 'write'): number {
  const operand = operation.operands.find((each) => each.tensor === tensor && each.mode === mode);
  const range: IndexMap[number] = operand?.map[axis] ?? 'all';
  if (range === 'all' || (range.size ?? 1) !== 1) return -1;
  const at = shifted(range);
  return at && at.d >= 0 && at.offset === 0 ? at.d : -1;
}

/** Where groups of channels begin: as evenly as a split reduction's parts. */
export function groupCuts(channels: number, groups: number): number[] {
  return Array.from({ length: groups - 1 }, (_, k) => Math.floor((channels * (k + 1)) / groups));
}

/** The fewest bytes of a bottleneck's own maps and sums, over numbers of groups: `during` beside what it reads, `after` without. */
export function groupedBytes(
  { grids }: Geometry,
  { wide, slid, narrow, channels, window, sumBytes }: Bottleneck,
  columns: number,
  align: number,
): { readonly groups: number; readonly during: number; readonly after: number } {
  let best = { groups: 1, during: Number.POSITIVE_INFINITY, after: sumBytes + (narrow ? grids[narrow.tensor].bytes : 0) };
  for (const groups of GROUPS) {
    if (groups > channels) break;
    const share = Math.ceil(channels / groups) / channels;
    const piece = (grid: Grid, wanted: number, tall: number, across: number): number =>
      Math.ceil((wanted * tall * grid.cellBytes * share) / align) * align * across;
    const grid = grids[wide];
    const tile = columns === 0 ? grid.columns : Math.min(columns, grid.columns);
    const tiles = Math.ceil(grid.columns / tile);
    const [rows, down] = window.rows;
    const [span, right] = window.columns;
    const across = Math.min(tiles, Math.ceil((tile * right + span - right) / tile));
    const line = piece(grid, tile, 1, tiles);
    const held = Math.min(
      grid.rows * line,
      Math.max(0, Math.min(rows - down, grid.rows)) * line + piece(grid, tile, Math.ceil(down), across),
    );
    const out = grids[slid];
    const during =
      sumBytes + held + piece(out, Math.min(tile, out.columns), 1, Math.ceil(out.columns / Math.min(tile, out.columns)) * out.rows);
    if (during < best.during * 0.99) best = { ...best, groups, during };
  }
  return best;
}
