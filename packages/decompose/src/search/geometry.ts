import {
  type Box,
  bounds,
  dimensionsOf,
  domainBox,
  ELEMENT_BYTES,
  type Operation,
  type Program,
  shifted,
  tensorBytes,
} from '@regrain/core-ir';
import { streamBands } from '../stream-axis.js';

/** Along one axis: a result at position i reads `[i * stride - pad, i * stride - pad + size)`. Strides below 1 are upsampling. */
export interface Window {
  readonly size: number;
  readonly stride: number;
  readonly pad: number;
}

/** How an operation reads a tensor that takes bytes. */
export interface Read {
  readonly tensor: number;
  /** Undefined: every result needs all of it. */
  readonly rows?: Window;
  readonly columns?: Window;
  /** A reduction runs over its rows: read once, in order, into partial sums. */
  readonly reduced: boolean;
}

/** An operation as streaming sees it. */
export interface Node {
  readonly writes: readonly number[];
  readonly reads: readonly Read[];
  readonly macs: number;
  /** It can work row by row: one result, with rows of its own or summed over rows. */
  readonly streams: boolean;
  /** Of a sum over rows: the accumulator of its partial sums. */
  readonly sumBytes: number;
}

/** A tensor as streaming sees it: rows and columns, and bytes per element of that grid (all channels). */
export interface Grid {
  /** Dimension of the rows; -1: none, one row. */
  readonly rowAxis: number;
  readonly columnAxis: number;
  readonly rows: number;
  readonly columns: number;
  readonly cellBytes: number;
  readonly bytes: number;
}

export interface Geometry {
  readonly program: Program;
  readonly axis: StreamAxis;
  readonly nodes: readonly Node[];
  readonly grids: readonly Grid[];
  /** Operations that write and that read each tensor, in order. */
  readonly writers: readonly (readonly number[])[];
  readonly readers: readonly (readonly number[])[];
  readonly macs: number;
}

/** What streams: rows from top to bottom, or columns from left to right. */
export type StreamAxis = 'rows' | 'columns';

/** Rows, columns and windows of every operation, from the index maps alone; where columns stream, they stand for the rows. O(operands). */
export function geometryOf(program: Program, axis: StreamAxis = 'rows'): Geometry {
  const whole = { rows: 1, maxBands: Number.POSITIVE_INFINITY };
  const rows = streamBands(program, { axis, ...whole });
  const columns = streamBands(program, { axis: axis === 'rows' ? 'columns' : 'rows', ...whole });
  const grids = program.tensors.map((tensor, t): Grid => {
    const rowAxis = rows[t].axis;
    const columnAxis = rowAxis >= 0 && columns[t].axis !== rowAxis ? columns[t].axis : -1;
    const bytes = tensorBytes(tensor);
    const h = rowAxis < 0 ? 1 : tensor.shape[rowAxis];
    const w = columnAxis < 0 ? 1 : tensor.shape[columnAxis];
    return { rowAxis, columnAxis, rows: h, columns: w, cellBytes: bytes / Math.max(1, h * w), bytes };
  });
  const writers: number[][] = program.tensors.map(() => []);
  const readers: number[][] = program.tensors.map(() => []);
  const nodes = program.operations.map((operation, o): Node => {
    for (const { tensor, mode } of operation.operands) {
      const list = mode === 'read' ? readers[tensor] : writers[tensor];
      if (list.at(-1) !== o) list.push(o);
    }
    return nodeOf(program, operation, grids);
  });
  return { program, axis, nodes, grids, writers, readers, macs: program.operations.reduce((sum, { macs }) => sum + macs, 0) };
}

/** Whether a segment that begins at `first` sums a tensor piece by piece: not one that is there as a whole, which nothing would free earlier. */
export function sumsInParts({ program, writers }: Geometry, first: number, { tensor, reduced }: Read): boolean {
  return reduced && (program.tensors[tensor].kind === 'input' || (writers[tensor].at(-1) ?? -1) >= first);
}

function nodeOf(program: Program, operation: Operation, grids: readonly Grid[]): Node {
  const writes = operation.operands.filter(({ mode }) => mode !== 'read');
  const [write] = writes;
  const grid = write && grids[write.tensor];
  const dimension = (axis: number): number => {
    const range = axis < 0 || !write ? undefined : write.map[axis];
    const at = range === undefined || range === 'all' ? undefined : shifted(range);
    // A write that covers only a part of the axis (concatenation along it) does not keep step with the tensor's rows.
    return at && at.d >= 0 && at.offset === 0 && operation.domain[at.d].extent === program.tensors[write.tensor].shape[axis] ? at.d : -1;
  };
  const row = grid ? dimension(grid.rowAxis) : -1;
  const column = grid ? dimension(grid.columnAxis) : -1;
  const reads = operation.operands.flatMap(({ tensor, mode, map }): Read[] => {
    if (mode !== 'read' || program.tensors[tensor].kind === 'constant') return [];
    const { rowAxis, columnAxis } = grids[tensor];
    const along = (axis: number, d: number): Window | undefined => {
      const range = axis < 0 ? 'all' : map[axis];
      return range === 'all' || d < 0 ? undefined : windowOf(operation, range.at, range.size ?? 1, d);
    };
    const summed = row < 0 && rowAxis >= 0 && operation.body !== undefined && overReduction(operation, map[rowAxis]);
    return [{ tensor, rows: along(rowAxis, row), columns: along(columnAxis, column), reduced: summed }];
  });
  const sums = row < 0 && reads.length === 1 && reads[0].reduced;
  const results = write ? program.tensors[write.tensor].shape.reduce((a, b) => a * b, 1) : 0;
  return {
    writes: writes.map(({ tensor }) => tensor),
    reads,
    macs: operation.macs,
    streams: writes.length === 1 && (row >= 0 || sums),
    sumBytes: sums && operation.body ? results * ELEMENT_BYTES[operation.body.acc] : 0,
  };
}

function overReduction(operation: Operation, range: Operation['operands'][number]['map'][number]): boolean {
  const at = range === 'all' ? undefined : shifted(range);
  return at !== undefined && at.d >= 0 && operation.domain[at.d].kind === 'reduction';
}

/** Undefined where the range depends on another parallel dimension too, or not on this one. */
function windowOf(operation: Operation, at: Parameters<typeof bounds>[0], size: number, d: number): Window | undefined {
  const used = dimensionsOf(at);
  const { extent } = operation.domain[d];
  for (const other of used)
    if (other !== d && operation.domain[other].kind === 'parallel' && operation.domain[other].extent > 1) return undefined;
  if (!used.has(d)) return extent === 1 ? { size, stride: 1, pad: 0 } : undefined;
  const whole = domainBox(operation);
  const box = (i: number): Box => whole.map((range, k) => (k === d ? ([i, i + 1] as const) : range));
  const needs = (i: number): readonly [number, number] => {
    const [lo, hi] = bounds(at, box(i));
    return [lo, hi + size];
  };
  const [first] = needs(0);
  if (extent === 1) return { size: needs(0)[1] - first, stride: 1, pad: -first };
  const [last] = needs(extent - 1);
  const stride = (last - first) / (extent - 1);
  if (!(stride > 0)) return undefined;
  const middle = extent >> 1;
  const [lo, hi] = needs(middle);
  return { size: hi - lo, stride, pad: middle * stride - lo };
}
