import { type Box, type Grain, preimage, type Recompute, type Reduce, shifted, wholeTensorGrain } from '@regrain/core-ir';
import { writerCuts } from '../stream-axis.js';
import { tiles } from '../tiles.js';
import { type Route, segmentsOf } from './boundaries.js';
import type { Geometry } from './geometry.js';
import { type SegmentLimits, tileWidth } from './segment.js';

export type TileOptions = Pick<SegmentLimits, 'columns' | 'maxTiles'>;

/** How the rows of a tensor are cut: into tasks that write them, and into regions that are freed on their own. */
interface Rows {
  readonly tasks: readonly number[];
  readonly regions: readonly number[];
}

/**
 * The grain of a route. Where a band's overlap is recomputed, the reader works in bands, and so does all behind it up to the next tensor
 * whose rows stay; their cuts are shifted by the rows that are made ahead, so that a band needs exactly one band more. Tensors whose
 * rows stay have regions of one row, which are freed one by one. All else is done row by row.
 */
export function realise(geometry: Geometry, route: Route, options: TileOptions): Grain {
  const { program, grids, nodes } = geometry;
  const rows = new Map<number, Rows>();
  const recompute: Recompute[] = [];
  const reduce: Reduce[] = [];
  for (const segment of segmentsOf(route)) {
    for (let held = segment.held; held; held = held.next) {
      const { tensor, how, hi, band } = held;
      const grid = grids[tensor];
      if (grid.rowAxis < 0) continue;
      if (how === 'recomputed') recompute.push({ tensor, reader: geometry.readers[tensor][0], along: [grid.rowAxis] });
      const cuts = every(grid.rows, band, band === 1 ? 0 : Math.max(0, Math.round(hi)));
      rows.set(tensor, { tasks: cuts, regions: how === 'kept' && band > 1 ? every(grid.rows, 1, 0) : cuts });
    }
    for (let o = segment.first; o < segment.last; o++) reduce.push(...partialSums(geometry, o, options));
  }
  const between = writerCuts(program);
  const grain = wholeTensorGrain(program);
  const cutsOf = (tensor: number, choose: (rows: Rows) => readonly number[]): (readonly number[])[] => {
    const grid = grids[tensor];
    const own = rows.get(tensor) ?? { tasks: every(grid.rows, 1, 0), regions: every(grid.rows, 1, 0) };
    const across = every(grid.columns, tileWidth(grid, options), 0);
    return program.tensors[tensor].shape.map((_, d) =>
      d === grid.rowAxis ? choose(own) : d === grid.columnAxis ? across : between[tensor][d],
    );
  };
  const regions = program.tensors.map(({ kind, shape }, t) => {
    if (kind === 'constant' || grids[t].rowAxis < 0) return [];
    return tiles(
      shape,
      cutsOf(t, (own) => own.regions),
    );
  });
  const tasks = program.operations.map((operation, o) => {
    const [tensor] = nodes[o].writes;
    const own = rows.get(tensor);
    if (nodes[o].writes.length !== 1 || !own || own.tasks === own.regions) return 'owner' as const;
    const write = operation.operands.find(({ mode }) => mode !== 'read');
    const boxes = tiles(
      program.tensors[tensor].shape,
      cutsOf(tensor, ({ tasks }) => tasks),
    );
    if (!write || boxes.length === 0) return 'owner' as const;
    return boxes.map((box) => preimage(operation, write, box)).filter((box): box is Box => box !== undefined);
  });
  return { ...grain, regions, tasks, recompute, reduce };
}

/** Inner cuts at `ahead + n * step`; the first piece takes what is made ahead with it. */
function every(extent: number, step: number, ahead: number): number[] {
  const cuts: number[] = [];
  for (let at = step + ahead; at < extent; at += step) cuts.push(at);
  return cuts;
}

/** A sum over rows (and columns) that are made piece by piece is made piece by piece too. */
function partialSums({ program, nodes, grids }: Geometry, o: number, options: TileOptions): Reduce[] {
  const operation = program.operations[o];
  const found: Reduce[] = [];
  if (!operation.body) return found;
  for (const read of nodes[o].reads) {
    if (!read.reduced) continue;
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
    const width = tileWidth(grid, options);
    if (column >= 0 && grid.columns > width) found.push({ operation: o, axis: column, parts: Math.ceil(grid.columns / width) });
  }
  return found;
}
