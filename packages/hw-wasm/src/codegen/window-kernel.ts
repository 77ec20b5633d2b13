import { ELEMENT_BYTES } from '@regrain/core-ir';
import type { Expression, FunctionBuilder, Local } from './function-builder.js';
import { operandsIn } from './generic.js';
import type { Imports } from './imports.js';
import type { KernelShape, SelectContext } from './kernel.js';
import { type LaneConfig, LaneKernel } from './lane-kernel.js';
import type { Lanes } from './lanes/lanes.js';
import { coefficient, constantOf, laneBlock, laneStride, outsideVector, type Pointer } from './operand-access.js';
import { productOf } from './product.js';

/** How a window slides over one operand. */
export interface Sliding {
  /** The operand that the window slides over. */
  readonly data: number;
  /** The parallel dimension along which it slides; neighbours share columns. */
  readonly along: number;
  /** Points that are computed together. */
  readonly tile: number;
  /** Reduction dimensions of the columns, the last ones, and of the rows. */
  readonly columns: readonly number[];
  readonly rows: readonly number[];
  /** Bytes of the data from one point to the next. */
  readonly step: number;
  /** The data's dimension that columns lie along, and bytes from one to the next. */
  readonly dimension: number;
  readonly pitch: number;
  /** Points `[first, end)` read no column outside the tensor. */
  readonly first: number;
  readonly end: number;
  /** Extra parameter: what stands for a row outside the tensor. */
  readonly outside?: number;
  /** Rows outside the tensor leave every sum as it is, so they are left out. */
  readonly skips: boolean;
  /** Bytes of the other operands from one row of the window to the next. */
  readonly rowBytes: readonly number[];
  /** Every task's lanes come in whole vectors. */
  readonly full: boolean;
}

/** A row of a window: where its first column lies, and whether it is there, where that is to be asked. */
interface Row {
  readonly start: Local;
  readonly there: Local | undefined;
}

/** What of a tile's windows may lie outside the tensor. */
interface Edges {
  readonly columns: boolean;
  readonly rows: boolean;
}

/** With more points the sums and columns would not fit the registers. */
const TILE = 4;
/** Columns of the window that are loaded together: with more, they and their weights would not fit the registers. */
const COLUMNS = 3;

/**
 * A window that slides over floats in memory: depthwise convolution, pooling. Undefined where the columns are not at fixed distances or the
 * kernel is not of this form.
 */
export function slidingOf(
  shape: KernelShape,
  context: SelectContext,
  { lane, lanes, block }: LaneConfig,
  write: number,
  full: boolean,
  extra: number[],
): Sliding | undefined {
  const { operation, operands, accumulator, phase, shapes } = shape;
  const { body, domain } = operation;
  if (body?.acc !== 'float32' || phase !== 'whole' || accumulator || block !== undefined) return undefined;
  const target = operands[write];
  if (target?.kind !== 'view') return undefined;
  const reduced = domain.flatMap(({ kind }, d) => (kind === 'reduction' && domain[d].extent > 1 ? [d] : []));
  const stepped = [...operandsIn(body.step)].filter((k) => operands[k]?.kind !== 'splat');
  const slid = stepped.filter((k) => !lanes[k]?.packed);
  if (reduced.length === 0 || slid.length !== 1) return undefined;
  const [data] = slid;
  const own = operands[data];
  if (own?.kind !== 'view' || own.view.dtype !== 'float32' || lanes[data]?.stride !== ELEMENT_BYTES.float32) return undefined;
  if (stepped.some((k) => lanes[k]?.dtype !== 'float32')) return undefined;

  const { map, outside } = operation.operands[data];
  const last = reduced[reduced.length - 1];
  for (let along = domain.length - 1; along >= 0; along--) {
    if (domain[along].kind === 'reduction' || along === lane || domain[along].extent < 2) continue;
    const t = map.findIndex((range) => range !== 'all' && (coefficient(range.at, along) ?? 0) > 0);
    const range = map[t];
    if (!range || range === 'all') continue;
    const uses = (d: number): boolean => (coefficient(range.at, d) ?? 0) > 0;
    const columns = reduced.filter(uses);
    if (!columns.includes(last) || columns.some((d, i) => d !== reduced[reduced.length - columns.length + i])) continue;
    const rows = reduced.filter((d) => !columns.includes(d));
    const linear = [along, ...columns].every((d) => (laneStride(shape, data, d) ?? -1) >= 0 && laneBlock(shape, data, d) === undefined);
    const alone = map.every((other, i) => i === t || other === 'all' || ![along, ...columns].some((d) => coefficient(other.at, d) !== 0));
    if (!linear || !alone || domain.some((_, d) => d !== along && !columns.includes(d) && coefficient(range.at, d) !== 0)) continue;
    if (stepped.some((k) => (lanes[k]?.packed?.strides[along] ?? 0) !== 0)) continue;
    const rowBytes = operands.map((_, k) => rowStep(lanes[k]?.packed?.strides, rows, domain));
    if (rowBytes.some((bytes) => bytes === undefined)) continue;

    // The column of point x and tap k is `x × stride + k × dilation + start`.
    const stride = coefficient(range.at, along) as number;
    const start = constantOf(range.at);
    const span = columns.reduce((sum, d) => sum + (coefficient(range.at, d) as number) * (domain[d].extent - 1), 0);
    const first = Math.max(0, Math.ceil(-start / stride));
    const end = Math.min(domain[along].extent, Math.floor((shapes[data][t] - 1 - span - start) / stride) + 1);
    const step = laneStride(shape, data, along) as number;
    const reach = (TILE - 1) * step + columns.reduce((sum, d) => sum + (laneStride(shape, data, d) as number) * (domain[d].extent - 1), 0);
    const sliding: Sliding = {
      data,
      along,
      tile: TILE,
      columns,
      rows,
      step,
      dimension: t,
      pitch: own.view.strides[t],
      first: outside === undefined ? 0 : first,
      end: outside === undefined ? domain[along].extent : end,
      skips: outside !== undefined && leavesSums(shape, context, data, outside),
      rowBytes: rowBytes as number[],
      full,
    };
    if (sliding.end - sliding.first < 2) return undefined;
    if (outside === undefined) return sliding;
    const bytes = reach + domain[lane].extent * ELEMENT_BYTES.float32 + 16;
    extra.push(outsideVector(context, 'float32', outside, bytes));
    return { ...sliding, outside: extra.length - 1 };
  }
  return undefined;
}

/** Whether what stands for elements outside the tensor changes no sum, nor its bits. */
function leavesSums(
  { operation, operands }: KernelShape,
  { program, segment, valuesOf }: SelectContext,
  data: number,
  outside: number,
): boolean {
  const { body } = operation;
  if (!body) return false;
  const { init, step } = body;
  const product = productOf(step);
  if (product) {
    const other = product.left === data ? product.right : product.left;
    const operand = operands[other];
    const { tensor } = operation.operands[other];
    if (outside !== 0 || !Object.is(init, 0) || product.zeroLeft !== 0 || product.zeroRight !== 0 || other === data) return false;
    if (operand?.kind === 'splat') return Number.isFinite(operand.value);
    // Zero times what is not finite is not zero.
    return (
      program.tensors[tensor].kind === 'constant' &&
      segment.once(`finite ${tensor}`, () => Number(Array.prototype.every.call(valuesOf(tensor).data, Number.isFinite))) === 1
    );
  }
  if (typeof step !== 'object' || !('fn' in step) || step.args[0] !== 'acc') return false;
  const [, value] = step.args;
  if (typeof value !== 'object' || !('x' in value) || value.x !== data) return false;
  return step.fn === 'add' ? outside === 0 && Object.is(init, 0) : step.fn === 'max' && init === outside;
}

/** The same distance between all neighbouring rows, or undefined; of what is not packed 0. */
function rowStep(
  strides: readonly number[] | undefined,
  rows: readonly number[],
  domain: KernelShape['operation']['domain'],
): number | undefined {
  if (!strides || rows.length === 0) return 0;
  const step = strides[rows[rows.length - 1]];
  let expected = step;
  for (const d of rows.toReversed()) {
    if (strides[d] !== expected) return undefined;
    expected *= domain[d].extent;
  }
  return step;
}

/**
 * Some neighbouring points of a row together, so that they share columns and weights. At the tensor's edges each column is looked for by
 * itself; sums are in the same order.
 */
export class WindowKernel extends LaneKernel {
  constructor(
    shape: KernelShape,
    config: LaneConfig,
    target: number,
    fn: FunctionBuilder,
    imports: Imports,
    private readonly sliding: Sliding,
  ) {
    super(shape, config, target, fn, imports);
  }

  override write(): void {
    const { along } = this.sliding;
    const outer = this.shape.operation.domain.flatMap(({ kind }, d) =>
      kind === 'reduction' || d === this.config.lane || d === along ? [] : [d],
    );
    this.nest(outer, () => this.slide());
  }

  private slide(): void {
    const { fn, point } = this;
    const { m, wasm } = fn;
    const { along, first, end, tile, outside, skips } = this.sliding;
    const hi = this.access.parameters.hi[along];
    const [x, assign] = fn.variable(wasm.i32);
    assign(this.access.parameters.lo[along]());
    point[along] = x;
    const there = this.rowsThere();
    const advance = (count: number, edges: Edges): void => {
      this.tile(count, there, edges);
      assign(m.i32.add(x(), m.i32.const(count)));
    };
    const fits = (limit: Expression): Expression => m.i32.le_s(m.i32.add(x(), m.i32.const(tile)), limit);
    const atEdges = (): void => {
      if (outside === undefined) advance(1, { columns: false, rows: false });
      else
        fn.when(
          fits(hi()),
          () => advance(tile, { columns: true, rows: true }),
          () => advance(1, { columns: true, rows: true }),
        );
    };
    const tests = there.flatMap((test) => test?.() ?? []);
    const every =
      skips && tests.length > 0
        ? fn.keep(
            wasm.i32,
            tests.reduce((one, other) => m.i32.and(one, other)),
          )
        : undefined;
    const inner = (): void => {
      if (!every) advance(tile, { columns: false, rows: false });
      else
        fn.when(
          every(),
          () => advance(tile, { columns: false, rows: false }),
          () => advance(tile, { columns: false, rows: true }),
        );
    };
    const within = [
      fits(hi()),
      ...(first > 0 ? [m.i32.ge_s(x(), m.i32.const(first))] : []),
      ...(outside === undefined ? [] : [fits(m.i32.const(end))]),
    ];
    const body = (): void => {
      fn.when(
        within.reduce((one, other) => m.i32.and(one, other)),
        inner,
        atEdges,
      );
    };
    fn.when(m.i32.lt_s(x(), hi()), () => fn.repeat(body, () => m.i32.lt_s(x(), hi())));
    point[along] = undefined;
  }

  /** All lanes of some points from `point[along]` on. */
  private tile(count: number, there: readonly (Local | undefined)[], edges: Edges): void {
    const { fn, sliding, shape, config, target } = this;
    const { m, wasm } = fn;
    const { lane } = config;
    const { lo, hi } = this.access.parameters;
    const { body } = shape.operation;
    if (!body) return;
    const starts = this.rowPointers(there);
    const columns = edges.columns ? this.columnPointers(starts, count) : undefined;
    const rows = starts.map((start, row): Row => ({ start, there: edges.rows && sliding.skips ? there[row] : undefined }));
    const weights = [...operandsIn(body.step)].flatMap((k) => (config.lanes[k]?.packed ? [{ k, start: this.pointer(k) }] : []));
    const fixed = new Map([...operandsIn(body.init), ...operandsIn(body.finish)].flatMap((k) => this.neighbours(k, count)));
    const [, written] = this.neighbours(target, count)[0];
    const vector = (v: Local, part: boolean): void => {
      const at = (index: number, k: number, cache: Map<number, Lanes>): Lanes => {
        const { pointer, offset } = fixed.get(k)?.[index] ?? { pointer: undefined, offset: 0 };
        if (!pointer || offset !== 0 || fixed.get(k)?.[0].pointer !== pointer) return this.access.load(k, pointer, v, offset);
        const known = cache.get(k) ?? this.access.load(k, pointer, v);
        cache.set(k, known);
        return known;
      };
      const shared = new Map<number, Lanes>();
      const sums = Array.from({ length: count }, (_, index) => {
        const acc = this.accumulator(body.acc);
        acc.set(
          this.code.accumulate(
            body.acc,
            this.code.compile(body.init, (k) => at(index, k, shared), acc.value),
          ),
        );
        return acc;
      });
      this.terms(v, rows, columns, weights, sums);
      sums.forEach((acc, index) => {
        const result = this.code.compile(body.finish, (k) => at(index, k, shared), acc.value);
        const place = config.lanes[target];
        const { pointer, offset } = written[index];
        if (!place || !pointer) return;
        const address = m.i32.add(pointer.at(), this.access.addresses.times(v(), place.stride));
        if (!part) this.code.store(place.dtype, address, result, place.stride, 4, offset);
        else {
          const from = offset === 0 ? address : m.i32.add(address, m.i32.const(offset));
          this.code.storePart(place.dtype, from, result, place.stride, m.i32.sub(hi[lane](), v()));
        }
      });
    };
    const [v, assign] = fn.variable(wasm.i32);
    assign(lo[lane]());
    const whole = (): Expression => m.i32.sub(hi[lane](), m.i32.const(3));
    fn.loopOn(v, assign, whole, 4, (at) => vector(at, false));
    if (!sliding.full) fn.when(m.i32.lt_s(v(), hi[lane]()), () => vector(v, true));
  }

  /**
   * The terms of all rows, added in the order of the reduction: a few columns at a time, whose data and weights fit the registers beside the
   * sums, with a fence between them. `columnsOf`: where columns lie, by their bytes from a row's first, in each row; absent: in the row.
   */
  private terms(
    v: Local,
    rows: readonly Row[],
    columnsOf: ReadonlyMap<number, readonly Local[]> | undefined,
    weights: readonly { readonly k: number; readonly start: Pointer }[],
    sums: readonly { readonly value: Lanes; readonly set: (lanes: Lanes) => void }[],
  ): void {
    const { fn, sliding, code, access } = this;
    const { m, wasm } = fn;
    const { body } = this.shape.operation;
    if (!body) return;
    const offset = fn.keep(wasm.i32, access.addresses.times(v(), ELEMENT_BYTES.float32));
    const taps = this.taps();
    const factorsAt = weights.map(({ k, start }) => ({ k, at: fn.keep(wasm.i32, m.i32.add(start.at(), offset())) }));
    const parts = Math.ceil(taps.length / COLUMNS);
    const fence = (): void =>
      fn.fence(m.i32.lt_s(v(), m.i32.const(0)), () => {
        for (const { set } of sums) set(code.constant(0));
      });
    const add = (start: Local, row: number): void => {
      const at = fn.keep(wasm.i32, m.i32.add(start(), offset()));
      for (let part = 0; part < parts; part++) {
        if (part > 0) fence();
        const columns = new Map<number, Lanes>();
        const [first, end] = [part, part + 1].map((k) => Math.round((k * taps.length) / parts));
        for (const { data, others } of taps.slice(first, end)) {
          const factors = new Map(
            factorsAt.map(({ k, at: factor }) => [k, code.load('float32', factor(), row * sliding.rowBytes[k] + (others.get(k) ?? 0))]),
          );
          sums.forEach((acc, index) => {
            const from = data + index * sliding.step;
            const read = (k: number): Lanes => {
              if (k !== sliding.data) return factors.get(k) ?? access.load(k, undefined, v);
              const alone = columnsOf?.get(from)?.[row];
              const known =
                columns.get(from) ?? (alone ? code.load('float32', m.i32.add(alone(), offset())) : code.load('float32', at(), from));
              columns.set(from, known);
              return known;
            };
            acc.set(code.accumulate(body.acc, code.compile(body.step, read, acc.value)));
          });
        }
      }
    };
    rows.forEach(({ start, there }, row) => {
      if (there) {
        fn.when(there(), () => add(start, row));
        return;
      }
      if (row > 0) fence();
      add(start, row);
    });
  }

  /** Each column of a row: bytes of the data, and of the other operands. */
  private taps(): { readonly data: number; readonly others: ReadonlyMap<number, number> }[] {
    const { sliding, shape, config } = this;
    const { domain } = shape.operation;
    const found: { readonly data: number; readonly others: ReadonlyMap<number, number> }[] = [];
    const walk = (level: number, data: number, others: ReadonlyMap<number, number>): void => {
      if (level === sliding.columns.length) {
        found.push({ data, others });
        return;
      }
      const d = sliding.columns[level];
      const step = laneStride(shape, sliding.data, d) ?? 0;
      for (let x = 0; x < domain[d].extent; x++) {
        const offsets = config.lanes.flatMap((lanes, k) =>
          lanes?.packed ? [[k, (others.get(k) ?? 0) + x * lanes.packed.strides[d]] as const] : [],
        );
        walk(level + 1, data + x * step, new Map(offsets));
      }
    };
    walk(0, 0, new Map());
    return found;
  }

  /** The columns of a tile by their bytes from the first one: where each lies in each of the rows; what stands for those outside. */
  private columnPointers(rows: readonly Local[], count: number): ReadonlyMap<number, readonly Local[]> {
    const { fn, sliding, shape, point, access } = this;
    const { m, wasm } = fn;
    const { data, dimension, pitch, step, outside } = sliding;
    const range = shape.operation.operands[data].map[dimension];
    if (outside === undefined || range === 'all') return new Map();
    const first = fn.keep(wasm.i32, access.addresses.value(range.at, point));
    const found = new Map<number, readonly Local[]>();
    for (const { data: bytes } of this.taps()) {
      for (let index = 0; index < count; index++) {
        const from = bytes + index * step;
        if (found.has(from)) continue;
        const column = m.i32.add(first(), m.i32.const(from / pitch));
        const inside = fn.keep(wasm.i32, m.i32.lt_u(column, m.i32.const(shape.shapes[data][dimension])));
        const at = (row: Local): Expression => m.select(inside(), m.i32.add(row(), m.i32.const(from)), access.extra(outside)());
        found.set(
          from,
          rows.map((row) => fn.keep(wasm.i32, at(row))),
        );
      }
    }
    return found;
  }

  /** Of each row of the window whether it lies in the tensor; undefined where it always does. */
  private rowsThere(): (Local | undefined)[] {
    const { fn, sliding, shape, access } = this;
    const { map } = shape.operation.operands[sliding.data];
    const rows = map.map((range, t) => (t === sliding.dimension ? { at: 0 } : range));
    return this.eachRow((point) => {
      const inside = sliding.outside === undefined ? undefined : access.addresses.inside(rows, shape.shapes[sliding.data], point);
      return inside === undefined ? undefined : fn.keep(fn.wasm.i32, inside);
    });
  }

  /** Where the window's first column lies in each of its rows. */
  private rowPointers(there: readonly (Local | undefined)[]): Local[] {
    const { fn, sliding, shape, access } = this;
    const operand = shape.operands[sliding.data];
    if (operand?.kind !== 'view') return [];
    const { map } = shape.operation.operands[sliding.data];
    return this.eachRow((point, row) => {
      const address = access.addresses.address(map, operand.view, access.parameters.base(operand.parameter), point);
      const inside = there[row];
      const elsewhere = sliding.outside === undefined ? undefined : access.extra(sliding.outside);
      return fn.keep(fn.wasm.i32, inside && elsewhere ? access.either(inside(), address, elsewhere(), operand.view) : address);
    });
  }

  /** Visits the rows of the window, in order. */
  private eachRow<T>(visit: (point: LaneKernel['point'], row: number) => T): T[] {
    const { sliding, shape, point, fn } = this;
    const { domain } = shape.operation;
    const found: T[] = [];
    const walk = (level: number): void => {
      if (level === sliding.rows.length) {
        found.push(visit(point, found.length));
        return;
      }
      const d = sliding.rows[level];
      for (let x = 0; x < domain[d].extent; x++) {
        point[d] = () => fn.m.i32.const(x);
        walk(level + 1);
      }
      point[d] = undefined;
    };
    walk(0);
    return found;
  }

  /** An operand at neighbouring points: one pointer and distances where it has them, else a pointer each. */
  private neighbours(k: number, count: number): [number, { readonly pointer: Pointer | undefined; readonly offset: number }[]][] {
    const { shape, config, sliding, point } = this;
    const operand = shape.operands[k];
    if (operand?.kind !== 'view') return [];
    const { along } = sliding;
    const { packed, outside } = config.lanes[k] ?? {};
    const step = packed ? packed.strides[along] : laneBlock(shape, k, along) === undefined ? laneStride(shape, k, along) : undefined;
    const first = this.pointer(k);
    if (step !== undefined && step >= 0 && outside === undefined) {
      return [[k, Array.from({ length: count }, (_, index) => ({ pointer: first, offset: index * step }))]];
    }
    const at = point[along] as Local;
    const all = Array.from({ length: count }, (_, index) => {
      point[along] = () => this.fn.m.i32.add(at(), this.fn.m.i32.const(index));
      return { pointer: index === 0 ? first : this.pointer(k), offset: 0 };
    });
    point[along] = at;
    return [[k, all]];
  }
}
