import { type Box, domainBox, type Grain, preimage, type Recompute, type Reduce, shifted, wholeTensorGrain } from '@regrain/core-ir';
import { writerCuts } from '../stream-axis.js';
import { tiles } from '../tiles.js';
import { type Bottleneck, bottleneckAt, groupCuts } from './channel-groups.js';
import { readLater } from './crossing.js';
import { type Geometry, type Grid, sumsInParts } from './geometry.js';
import type { Held, Segment } from './segment.js';
import { tallRows, tallWidth } from './tall-end.js';
import { regionWidth, tileWidth } from './tile-bytes.js';
import { boxesOf as boxesInGroups, written } from './unit-groups.js';

/** Inner cuts of one tensor along its rows and columns: of the tasks that write it, and of the regions that are freed on their own. */
interface Cuts {
  readonly taskRows: readonly number[];
  readonly taskColumns: readonly number[];
  readonly regionRows: readonly number[];
  readonly regionColumns: readonly number[];
  /** Along the channels; `inner`: all groups of a patch before the next patch. */
  readonly groups?: {
    readonly axis: number;
    readonly task: readonly number[];
    readonly region: readonly number[];
    readonly inner?: boolean;
  };
  readonly end?: EndCuts;
}

/** From a row on, columns from there to the bottom; tasks take a few rows of one at a time. */
interface EndCuts {
  readonly row: number;
  readonly taskRows: readonly number[];
  readonly taskColumns: readonly number[];
  readonly regionRows: readonly number[];
  readonly regionColumns: readonly number[];
}

/**
 * The grain of a chain of segments. Where a band's overlap is recomputed, the reader works in bands, and so does all behind it up to the
 * next tensor whose rows stay; their cuts are shifted by the rows that are made ahead, so that a band needs exactly one band more. So are
 * those of other bands, by less than a band: what a reader's band needs ends where a band does.
 * Tensors whose rows stay have regions of one row, which are freed one by one. All else is done row by row.
 */
export function realise(geometry: Geometry, segments: readonly Segment[], maxTiles: number, align: number): Grain {
  const { program, grids, nodes } = geometry;
  const cuts = new Map<number, Cuts>();
  const recompute: Recompute[] = [];
  const reduce: Reduce[] = [];
  /** Of segments in groups of units, per operation its tasks, and per tensor that lives within them its regions. */
  const inUnits = { tasks: new Map<number, readonly Box[]>(), regions: new Map<number, readonly Box[]>() };
  for (const segment of segments) {
    const widthOf = (grid: Grid): number => tileWidth(grid, segment.columns, maxTiles, align);
    if (segment.groups) {
      const bottleneck = bottleneckAt(geometry, segment.first, segment.last);
      if (!bottleneck) throw new Error('a segment in groups of channels is a bottleneck');
      inGroups(geometry, bottleneck, segment.groups, segment.columns, cuts);
      if (bottleneck.narrow) reduce.push({ operation: segment.last - 1, axis: bottleneck.narrow.axis, parts: segment.groups });
    }
    if (segment.patches) {
      const bottleneck = bottleneckAt(geometry, segment.first, segment.first + 3);
      if (!bottleneck?.narrow) throw new Error('a segment of patches is a bottleneck');
      inPatches(geometry, bottleneck as Required<Bottleneck>, segment, cuts);
      recompute.push({ tensor: bottleneck.wide, reader: segment.first + 1, along: patchAxes(grids[bottleneck.wide], bottleneck.axis) });
      reduce.push({ operation: segment.first + 2, axis: bottleneck.narrow.axis, parts: segment.patches.groups });
    }
    if (segment.units) {
      boxesInGroups(geometry, segment.last, segment.units, segment.first).forEach((groups, k) => {
        const o = segment.last - 1 - k;
        const [tensor] = nodes[o].writes;
        inUnits.tasks.set(o, groups.flat());
        if (readLater(geometry, tensor, segment.last)) {
          // Who reads it by rows frees them one by one, unless alignment would waste most of each.
          const rows = rowByRow(grids[tensor]);
          if (rows && rowsAtLeast(grids[tensor], align) === 1) cuts.set(tensor, rows);
          return;
        }
        const boxes = groups.flat().map((box) => written(program, o, box));
        inUnits.regions.set(tensor, [...(inUnits.regions.get(tensor) ?? []), ...boxes]);
      });
      continue;
    }
    const banded = bandedTensors(geometry, segment);
    for (let held = segment.held; held; held = held.next) {
      const { tensor, how, hi, band } = held;
      const grid = grids[tensor];
      if (grid.rowAxis < 0) continue;
      if (how === 'recomputed') recompute.push({ tensor, reader: geometry.readers[tensor][0], along: [grid.rowAxis] });
      const ahead = Math.max(0, Math.round(hi));
      const taskRows = every(grid.rows, band, banded.has(tensor) ? ahead : ahead % band);
      const taskColumns = every(grid.columns, widthOf(grid), 0);
      const stored = (geometry.readers[tensor].at(-1) ?? segment.last) >= segment.last;
      const regionRows = how === 'kept' ? every(grid.rows, stored ? rowsAtLeast(grid, align) : 1, 0) : taskRows;
      // Before a tall end, what passes may wait until the end, too.
      const stays = how === 'kept' || segment.end !== undefined;
      const tile = widthOf(grid);
      const width = stored ? widthAtLeast(grid, tile) : stays ? regionWidth(grid, tile, align) : tile;
      const regionColumns = every(grid.columns, width, 0);
      cuts.set(tensor, { taskRows, taskColumns, regionRows, regionColumns, ...tallEnd(geometry, segment, tensor, align) });
    }
    for (let o = segment.first; o < segment.last; o++) {
      if (!segment.groups && !segment.patches) reduce.push(...partialSums(geometry, segment.first, o, widthOf));
      // What is stored between segments has the finer of both tiles.
      for (const { tensor } of nodes[o].reads) {
        if (geometry.writers[tensor][0] >= segment.first) continue;
        const grid = grids[tensor];
        const own = cuts.get(tensor) ?? (program.tensors[tensor].kind === 'input' ? rowByRow(grid) : undefined);
        if (!own) continue;
        const wanted = every(grid.columns, widthAtLeast(grid, widthOf(grid)), 0);
        cuts.set(tensor, wanted.length > own.regionColumns.length ? { ...own, regionColumns: wanted } : own);
      }
    }
  }
  const between = writerCuts(program);
  const boxesOf = (tensor: number, what: 'task' | 'region'): Box[] => {
    const { rowAxis, columnAxis } = grids[tensor];
    const { shape } = program.tensors[tensor];
    const own = cuts.get(tensor);
    const { groups, end } = own ?? {};
    const [rows, columns] = [own?.[`${what}Rows`] ?? [], own?.[`${what}Columns`] ?? []];
    const product = (down: readonly number[], across: readonly number[]): Box[] =>
      tiles(
        shape,
        shape.map((_, d) => (d === rowAxis ? down : d === columnAxis ? across : d === groups?.axis ? groups[what] : between[tensor][d])),
      );
    const boxes = end
      ? [
          ...product([...rows.filter((row) => row < end.row), end.row], columns).filter((box) => box[rowAxis][0] < end.row),
          ...product([end.row, ...end[`${what}Rows`]], end[`${what}Columns`])
            .filter((box) => box[rowAxis][0] >= end.row)
            .sort((a, b) => a[columnAxis][0] - b[columnAxis][0] || a[rowAxis][0] - b[rowAxis][0]),
        ]
      : product(rows, columns);
    if (groups?.inner) return boxes.sort((a, b) => a[rowAxis][0] - b[rowAxis][0] || a[columnAxis][0] - b[columnAxis][0]);
    // In the order in which they stream, also where that is not the order of the axes.
    return !groups && !end && columnAxis >= 0 && columnAxis < rowAxis ? boxes.sort((a, b) => a[rowAxis][0] - b[rowAxis][0]) : boxes;
  };
  const regions = program.tensors.map((_, tensor) => {
    const grouped = inUnits.regions.get(tensor);
    if (grouped) return grouped;
    return boxesOf(tensor, 'region');
  });
  const tasks = program.operations.map((operation, o) => {
    const grouped = inUnits.tasks.get(o);
    if (grouped) return grouped;
    const [tensor] = nodes[o].writes;
    const own = cuts.get(tensor);
    const write = operation.operands.find(({ mode }) => mode !== 'read');
    if (nodes[o].writes.length !== 1 || !own || !write) return 'owner' as const;
    if (sameForBoth(own) && (!own.end || sameForBoth(own.end)) && own.groups?.task.length === own.groups?.region.length)
      return 'owner' as const;
    const boxes = boxesOf(tensor, 'task').map((box) => preimage(operation, write, box));
    return boxes.length > 0 ? boxes.filter((box): box is Box => box !== undefined) : [domainBox(operation)];
  });
  return { ...wholeTensorGrain(program), regions, tasks, recompute, reduce, segments: segments.map(({ first }) => first) };
}

function sameForBoth({ taskRows, taskColumns, regionRows, regionColumns }: Pick<EndCuts, keyof EndCuts & keyof Cuts>): boolean {
  return taskRows.length === regionRows.length && taskColumns.length === regionColumns.length;
}

/** Where and how the tall end of a segment cuts a tensor, if it does. What the program puts out stays: it has few regions, and whole ones. */
function tallEnd(geometry: Geometry, segment: Segment, tensor: number, align: number): Pick<Cuts, 'end'> {
  const { grids, program } = geometry;
  const grid = grids[tensor];
  const row = segment.end?.from.get(tensor) ?? grid.rows;
  if (!segment.end || row <= 0 || row >= grid.rows) return {};
  const width = tallWidth(geometry, segment, grid, segment.end.columns);
  const taskColumns = every(grid.columns, width, 0);
  const taskRows = every(grid.rows, tallRows(geometry, segment, grid, segment.end.rows), row);
  if (!program.outputs.includes(tensor)) return { end: { row, taskRows, taskColumns, regionRows: taskRows, regionColumns: taskColumns } };
  const tall = { ...grid, cellBytes: grid.cellBytes * (grid.rows - row) };
  return { end: { row, taskRows, taskColumns, regionRows: [], regionColumns: every(grid.columns, regionWidth(tall, width, align, 1), 0) } };
}

/** The wide maps in groups of channels, row by row; the narrow one by one task (over all partial sums), stored in rows. */
function inGroups(
  { grids }: Geometry,
  { wide, slid, narrow, axis, channels }: Bottleneck,
  count: number,
  columns: number,
  cuts: Map<number, Cuts>,
): void {
  const task = groupCuts(channels, count);
  for (const tensor of [wide, slid]) {
    const { rows, columns: width } = grids[tensor];
    const [down, across] = [every(rows, 1, 0), columns === 0 ? [] : every(width, columns, 0)];
    // Behind it the groups of what is stored are read together.
    const groups = { axis, task, region: tensor === slid && !narrow ? [] : task };
    cuts.set(tensor, { taskRows: down, regionRows: down, taskColumns: across, regionColumns: across, groups });
  }
  if (narrow)
    cuts.set(narrow.tensor, { taskRows: [], taskColumns: [], regionRows: every(grids[narrow.tensor].rows, 1, 0), regionColumns: [] });
}

/** Every task makes a patch; of the map that is slid over, a group of channels of one. */
function inPatches(
  { grids, nodes }: Geometry,
  { slid, narrow, axis, channels }: Required<Bottleneck>,
  { patches, last }: Segment,
  cuts: Map<number, Cuts>,
): void {
  if (!patches) return;
  const of = (tensor: number): Cuts => {
    const down = every(grids[tensor].rows, patches.rows, 0);
    const across = every(grids[tensor].columns, patches.columns, 0);
    return { taskRows: down, regionRows: down, taskColumns: across, regionColumns: across };
  };
  const groups = groupCuts(channels, patches.groups);
  cuts.set(slid, { ...of(slid), groups: { axis, task: groups, region: groups, inner: true } });
  cuts.set(narrow.tensor, of(narrow.tensor));
  const [result] = nodes[last - 1].writes;
  const grid = grids[result];
  cuts.set(result, { ...of(result), regionRows: every(grid.rows, 1, 0), regionColumns: every(grid.columns, widthAtLeast(grid, 1), 0) });
}

/** A window of its own for every patch and group of channels. */
function patchAxes({ rowAxis, columnAxis }: Grid, channels: number): number[] {
  return [rowAxis, columnAxis, channels];
}

/**
 * Bytes that a row's region of a stored tensor has at least: it is freed piece by piece while others come, and smaller holes fit nothing.
 * Of 0, 96, 128, 192 and whole rows this packs tightest on the models of the memory bench (vww 7 % below one column).
 */
const STORED_BYTES = 192;

/** Columns of such a region: whole tiles. */
function widthAtLeast({ cellBytes }: Grid, tile: number): number {
  return Math.ceil(STORED_BYTES / Math.max(1, cellBytes) / tile) * tile;
}

/** Rows of such a region: one, unless alignment would waste most of it. */
function rowsAtLeast({ cellBytes, columns }: Grid, align: number): number {
  const bytes = cellBytes * columns;
  return bytes >= align ? 1 : Math.ceil(STORED_BYTES / Math.max(1, bytes));
}

/** Results whose tasks decide how often something is computed again: readers of what is recomputed, and on from there until rows stay. */
function bandedTensors({ nodes }: Geometry, { first, last, held: chain }: Segment): Set<number> {
  const how = new Map<number, Held['how']>();
  for (let held = chain; held; held = held.next) how.set(held.tensor, held.how);
  const banded = new Set<number>();
  for (let o = first; o < last; o++) {
    const follows = nodes[o].reads.some(
      ({ tensor }) => how.get(tensor) === 'recomputed' || (banded.has(tensor) && how.get(tensor) === 'passing'),
    );
    if (follows) banded.add(nodes[o].writes[0]);
  }
  return banded;
}

function rowByRow(grid: Grid): Cuts | undefined {
  if (grid.rowAxis < 0) return undefined;
  const rows = every(grid.rows, 1, 0);
  return { taskRows: rows, taskColumns: [], regionRows: rows, regionColumns: [] };
}

/** Inner cuts at `ahead + n * step`; the first piece takes what is made ahead with it. */
function every(extent: number, step: number, ahead: number): number[] {
  const cuts: number[] = [];
  for (let at = step + ahead; at < extent; at += step) cuts.push(at);
  return cuts;
}

/** A sum over rows (and columns) that are made piece by piece is made piece by piece too. */
function partialSums(geometry: Geometry, first: number, o: number, widthOf: (grid: Grid) => number): Reduce[] {
  const { program, nodes, grids } = geometry;
  const operation = program.operations[o];
  const found: Reduce[] = [];
  if (!operation.body) return found;
  for (const read of nodes[o].reads) {
    if (!sumsInParts(geometry, first, read)) continue;
    const grid = grids[read.tensor];
    const operand = operation.operands.find(({ tensor, mode }) => tensor === read.tensor && mode === 'read');
    const along = (axis: number): number => {
      const range = axis < 0 ? 'all' : (operand?.map[axis] ?? 'all');
      const at = range === 'all' ? undefined : shifted(range);
      return at && at.d >= 0 && operation.domain[at.d].kind === 'reduction' ? at.d : -1;
    };
    const row = along(grid.rowAxis);
    const column = along(grid.columnAxis);
    if (row >= 0 && grid.rows > 1) found.push({ operation: o, axis: row, parts: grid.rows });
    const width = widthOf(grid);
    if (column >= 0 && grid.columns > width) found.push({ operation: o, axis: column, parts: Math.ceil(grid.columns / width) });
  }
  return found;
}
