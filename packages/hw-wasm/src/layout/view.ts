import { type Box, type DType, ELEMENT_BYTES, elements, intersect } from '@regrain/core-ir/runtime';

/**
 * How kernels find the elements of one operand of a task. The address of an element is linear in its coordinates, or, along the
 * dimensions of `table`, looked up: `entry = base + 4 × Σ coordinate × stride`, then `address = load(entry) + Σ coordinate × strides`.
 * Coordinates are those of the tensor; whatever a region starts at is folded into `base` and into the entries.
 */
export interface View {
  readonly dtype: DType;
  /** Bytes per step of each tensor dimension; 0 for those that the table holds. */
  readonly strides: readonly number[];
  /**
   * Entries per step of each looked-up dimension; empty where one region holds all. A dimension with a `block` above 1 is linear within
   * blocks of so many coordinates (channels that several regions hold, as after a concatenation): it has a stride too, and the table is
   * indexed by the coordinate div `block`.
   */
  readonly table: readonly TableDimension[];
  /** What the kernel's code depends on. */
  readonly key: string;
}

export interface TableDimension {
  readonly dimension: number;
  readonly stride: number;
  readonly block: number;
}

/** A view and what differs between tasks: an address or, with a table, its entries and where coordinate 0 would be in it. */
export interface Located {
  readonly view: View;
  readonly base: number;
  readonly entries?: Int32Array;
}

/** A region that lies somewhere while the task runs. */
export interface Piece {
  readonly box: Box;
  readonly address: number;
}

/** Dimensions in storage order, outermost first. */
export function storageOrder(order: readonly number[], rank: number): readonly number[] {
  return order.length > 0 ? order : Array.from({ length: rank }, (_, d) => d);
}

/** Bytes per step of each dimension of a dense box. */
export function stridesOfBox(box: Box, order: readonly number[], width: number): number[] {
  const strides = box.map(() => 0);
  let step = width;
  for (const d of [...storageOrder(order, box.length)].reverse()) {
    strides[d] = step;
    step *= box[d][1] - box[d][0];
  }
  return strides;
}

/**
 * The view of `box` through the regions that hold it. Dimensions join the linear part from the innermost outwards as long as every
 * region spans the box's whole extent there with one stride; the rest becomes a table, at worst of single elements.
 */
export function locate(box: Box, pieces: readonly Piece[], order: readonly number[], shape: readonly number[], dtype: DType): Located {
  const width = ELEMENT_BYTES[dtype];
  const touched = pieces.flatMap((piece) => {
    const part = intersect(piece.box, box);
    return part ? [{ ...piece, part, strides: stridesOfBox(piece.box, order, width) }] : [];
  });
  const [first] = touched;
  const flat = (strides: readonly number[]): readonly number[] => strides.map((stride, d) => (shape[d] === 1 ? 0 : stride));
  if (touched.length <= 1) {
    const strides = first ? flat(first.strides) : shape.map(() => 0);
    const base = first ? first.address - offset(first.box, strides) : 0;
    return { view: view(dtype, strides, []), base };
  }
  const dims = storageOrder(order, shape.length).filter((d) => shape[d] > 1);
  let linear = dims.length;
  while (linear > 0) {
    const d = dims[linear - 1];
    const same = touched.every(
      ({ part, strides }) => part[d][0] === box[d][0] && part[d][1] === box[d][1] && strides[d] === first.strides[d],
    );
    if (!same) break;
    linear--;
  }
  const looked = dims.slice(0, linear);
  const innermost = dims[dims.length - 1];
  const block = linear === dims.length ? blockOf(touched, innermost, box, shape[innermost]) : 1;
  const strides = shape.map((_, d) => (dims.indexOf(d) >= linear || (d === innermost && block > 1) ? first.strides[d] : 0));
  const table: TableDimension[] = [];
  let count = 1;
  for (const dimension of [...looked].reverse()) {
    const own = dimension === innermost ? block : 1;
    table.unshift({ dimension, stride: count, block: own });
    count *= Math.floor((box[dimension][1] - 1) / own) - Math.floor(box[dimension][0] / own) + 1;
  }
  const entries = new Int32Array(count);
  for (const { part, address, box: whole, strides: own } of touched) {
    fill(entries, part, box, table, address - offset(whole, strides), (d, x) => (x - whole[d][0]) * own[d]);
  }
  const bias = table.reduce((sum, { dimension, stride, block: own }) => sum + Math.floor(box[dimension][0] / own) * stride, 0);
  return { view: view(dtype, strides, table), base: -4 * bias, entries };
}

/** Below this, blocks save nothing. */
const LEAST_BLOCK = 4;

/** The largest size of blocks of a dimension none of which is cut by a region's border; 1 if that is too small. */
function blockOf(pieces: readonly { readonly part: Box }[], dimension: number, box: Box, extent: number): number {
  let block = extent;
  for (const { part } of pieces) {
    for (const border of part[dimension]) if (border > box[dimension][0] && border < box[dimension][1]) block = gcd(block, border);
  }
  return block >= LEAST_BLOCK ? block : 1;
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

/** A dense tensor at an address. */
export function dense(address: number, shape: readonly number[], order: readonly number[], dtype: DType): Located {
  const strides = stridesOfBox(
    shape.map((extent) => [0, extent] as const),
    order,
    ELEMENT_BYTES[dtype],
  );
  return {
    view: view(
      dtype,
      strides.map((stride, d) => (shape[d] === 1 ? 0 : stride)),
      [],
    ),
    base: elements(shape) === 0 ? 0 : address,
  };
}

function view(dtype: DType, strides: readonly number[], table: View['table']): View {
  return {
    dtype,
    strides,
    table,
    key: `${dtype}[${strides}]${table.map(({ dimension, stride, block }) => `t${dimension}:${stride}/${block}`).join(',')}`,
  };
}

function offset(box: Box, strides: readonly number[]): number {
  return strides.reduce((sum, stride, d) => sum + (stride === 0 ? 0 : box[d][0] * stride), 0);
}

function fill(
  entries: Int32Array,
  part: Box,
  box: Box,
  table: View['table'],
  address: number,
  along: (dimension: number, coordinate: number) => number,
): void {
  const visit = (level: number, index: number, at: number): void => {
    if (level === table.length) {
      entries[index] = at;
      return;
    }
    const { dimension, stride, block } = table[level];
    const [lo, hi] = part[dimension];
    if (block === 1) {
      for (let x = lo; x < hi; x++) visit(level + 1, index + (x - box[dimension][0]) * stride, at + along(dimension, x));
      return;
    }
    // Blocks are linear: the coordinate counts in the address, not in the entry.
    const start = Math.floor(box[dimension][0] / block);
    for (let k = Math.floor(lo / block); k * block < hi; k++) visit(level + 1, index + (k - start) * stride, at);
  };
  visit(0, 0, address);
}
