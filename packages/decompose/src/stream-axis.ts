import {
  boxOf,
  dimensionsOf,
  domainBox,
  image,
  type Operand,
  type Operation,
  type Program,
  shifted,
  type Tensor,
  tensorBytes,
} from '@regrain/core-ir';

/**
 * Along which dimension each tensor is cut, and where. `axis` -1: not at all. `cuts` are the inner boundaries, ascending.
 */
export interface Bands {
  readonly axis: number;
  readonly cuts: readonly number[];
}

export interface StreamOptions {
  /** Where streaming starts: along the height or the width of maps. */
  readonly axis: 'rows' | 'columns';
  /** Rows per band. */
  readonly rows: number;
  /** Instead, bands of about so many bytes, and what is no larger whole; 0 or absent: by rows. */
  readonly bandBytes?: number;
  /** No more bands than this per tensor. */
  readonly maxBands: number;
}

/**
 * Carries the stream axis from the inputs through the program by the index maps: where an operation reads along the axis with a
 * parallel dimension of its domain, its result streams along the dimension that the same one writes. A reduction over the axis is
 * a barrier, behind which streaming starts anew. Pointwise results inherit the bands of what they read; a flattened axis (rows times
 * columns in one dimension) keeps the number of bands, others get bands of `rows` rows.
 */
export function streamBands(program: Program, options: StreamOptions): Bands[] {
  const bands: (Bands | undefined)[] = program.tensors.map(() => undefined);
  program.tensors.forEach(({ kind, shape }, id) => {
    if (kind === 'input') bands[id] = uniform(seedAxis(shape, options.axis), program.tensors[id], options);
    else if (kind === 'constant') bands[id] = { axis: -1, cuts: [] };
  });
  for (const operation of program.operations) {
    for (const write of operation.operands) {
      if (write.mode === 'read') continue;
      const found = followed(program, operation, write, bands, options);
      const before = bands[write.tensor];
      // Several producers of one tensor (concatenation): all of their boundaries, along the axis of the first.
      if (!before) bands[write.tensor] = found;
      else if (before.axis === found.axis) bands[write.tensor] = { axis: before.axis, cuts: union(before.cuts, found.cuts) };
    }
  }
  return bands.map((band) => band ?? { axis: -1, cuts: [] });
}

/** Height of NCHW maps, the sequence of [N, T, C]; columns: the width. Dimension 0 is the batch. */
export function seedAxis(shape: readonly number[], axis: 'rows' | 'columns'): number {
  const rank = shape.length;
  const preferred = rank >= 4 ? (axis === 'rows' ? rank - 2 : rank - 1) : rank === 3 ? (axis === 'rows' ? 1 : 2) : rank - 1;
  return rank >= 3 && shape[preferred] > 1 ? preferred : -1;
}

/** The bands of what `write` makes, from those of what the operation reads. */
function followed(
  program: Program,
  operation: Operation,
  write: Operand,
  bands: readonly (Bands | undefined)[],
  options: StreamOptions,
): Bands {
  const tensor = program.tensors[write.tensor];
  const { shape } = tensor;
  const written = image(write.map, domainBox(operation), shape);
  for (const read of operation.operands) {
    if (read.mode !== 'read') continue;
    const source = bands[read.tensor];
    if (!source || source.axis < 0) continue;
    const range = read.map[source.axis];
    if (range === 'all') continue;
    const parallel = [...dimensionsOf(range.at)].filter((d) => operation.domain[d].kind === 'parallel' && operation.domain[d].extent > 1);
    parallel.sort((a, b) => operation.domain[b].extent - operation.domain[a].extent);
    for (const d of parallel) {
      const axis = write.map.findIndex((to) => to !== 'all' && shifted(to)?.d === d);
      if (axis < 0) continue;
      const offset = written[axis][0];
      const extent = operation.domain[d].extent;
      const from = shifted(range);
      const sourceExtent = program.tensors[read.tensor].shape[source.axis];
      let cuts: number[];
      if (options.bandBytes) cuts = every(extent, rowsOf(tensor, axis, options));
      else if (
        from &&
        range.size === undefined &&
        from.d === d &&
        !operation.domain.some(({ kind }, k) => kind === 'reduction' && dimensionsOf(range.at).has(k))
      ) {
        cuts = source.cuts.map((cut) => cut - from.offset).filter((cut) => cut > 0 && cut < extent);
      } else if (extent > 4 * sourceExtent) {
        cuts = even(extent, Math.min(source.cuts.length + 1, extent));
      } else {
        cuts = every(extent, options);
      }
      const inner = cuts.map((cut) => cut + offset);
      return { axis, cuts: [...boundaries(written[axis], shape[axis]), ...inner].sort((a, b) => a - b) };
    }
  }
  const axis = seedAxis(shape, options.axis);
  const splittable = axis >= 0 && write.map[axis] !== 'all' && (shifted(write.map[axis])?.d ?? -1) >= 0;
  return splittable ? uniform(axis, tensor, options) : { axis: -1, cuts: [] };
}

function boundaries([lo, hi]: readonly [number, number], extent: number): number[] {
  return [lo, hi].filter((at) => at > 0 && at < extent);
}

function uniform(axis: number, tensor: Tensor, options: StreamOptions): Bands {
  return axis < 0 ? { axis, cuts: [] } : { axis, cuts: every(tensor.shape[axis], rowsOf(tensor, axis, options)) };
}

/** With `bandBytes` a power of two of rows, so that bands of different tensors end together, or all. */
function rowsOf(tensor: Tensor, axis: number, options: StreamOptions): StreamOptions {
  const { bandBytes } = options;
  if (!bandBytes) return options;
  const bytes = tensorBytes(tensor);
  const extent = tensor.shape[axis];
  if (bytes <= bandBytes) return { ...options, rows: extent };
  return { ...options, rows: 2 ** Math.max(0, Math.floor(Math.log2((bandBytes * extent) / bytes))) };
}

function every(extent: number, { rows, maxBands }: StreamOptions): number[] {
  const step = Math.max(rows, Math.ceil(extent / maxBands));
  const cuts: number[] = [];
  for (let at = step; at < extent; at += step) cuts.push(at);
  return cuts;
}

function even(extent: number, parts: number): number[] {
  return Array.from({ length: parts - 1 }, (_, k) => Math.floor(((k + 1) * extent) / parts));
}

function union(a: readonly number[], b: readonly number[]): number[] {
  return [...new Set([...a, ...b])].sort((x, y) => x - y);
}

/** Boundaries, on the other dimensions, between the parts that different operations write (concatenation along channels). */
export function writerCuts(program: Program): number[][][] {
  const cuts: Set<number>[][] = program.tensors.map(({ shape }) => shape.map(() => new Set<number>()));
  for (const operation of program.operations) {
    for (const { tensor, mode, map } of operation.operands) {
      if (mode === 'read') continue;
      const { shape } = program.tensors[tensor];
      const whole = boxOf(shape);
      image(map, domainBox(operation), shape).forEach(([lo, hi], d) => {
        if (lo > whole[d][0]) cuts[tensor][d].add(lo);
        if (hi < whole[d][1]) cuts[tensor][d].add(hi);
      });
    }
  }
  return cuts.map((dimensions) => dimensions.map((set) => [...set].sort((a, b) => a - b)));
}
