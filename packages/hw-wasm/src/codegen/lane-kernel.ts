import { type DType, ELEMENT_BYTES, type Scalar } from '@regrain/core-ir';
import type { Expression, FunctionBuilder, Local } from './function-builder.js';
import { operandsIn } from './generic.js';
import type { Imports } from './imports.js';
import type { KernelShape } from './kernel.js';
import { LaneCode } from './lanes/code.js';
import type { Lanes } from './lanes/lanes.js';
import { type LaneOperand, laneBlock, laneStride, OperandAccess, type Pointer } from './operand-access.js';
import { type Product, productOf } from './product.js';
import { reductionOrder } from './reduction-order.js';

/** Windows of at most so many points are written out. */
const UNROLLED = 36;

/** How lanes are laid: what the code of a kernel depends on beside its shape. */
export interface LaneConfig {
  /** -1: no dimension has lanes, points go one by one. */
  readonly lane: number;
  readonly lanes: readonly (LaneOperand | undefined)[];
  readonly extras: number;
  /** Lanes are linear within blocks of so many; absent: throughout. */
  readonly block?: number;
}

/** Four lanes at a time, one point of the other dimensions after the other. */
export class LaneKernel {
  protected readonly code: LaneCode;
  protected readonly access: OperandAccess;
  protected readonly point: (Local | undefined)[];
  protected readonly reduced: readonly number[];
  protected readonly unrolled: boolean;
  /** The block in hand. */
  private start: Local | undefined;

  constructor(
    protected readonly shape: KernelShape,
    protected readonly config: LaneConfig,
    protected readonly target: number,
    protected readonly fn: FunctionBuilder,
    imports: Imports,
  ) {
    const { operation, operands, phase } = shape;
    const written = operands[target];
    const exact = !(written?.kind === 'view' && written.view.dtype === 'float32') || operation.body?.acc === 'int32';
    this.code = new LaneCode(fn, imports, exact);
    this.code.smallOperands = new Set(
      operands.flatMap((operand, k) => (operand?.kind === 'view' && ELEMENT_BYTES[operand.view.dtype] <= 2 ? [k] : [])),
    );
    this.access = new OperandAccess(fn, shape, config.lane, config.lanes, this.code, config.extras);
    this.point = operation.domain.map(() => undefined);
    this.reduced = phase === 'init' || phase === 'finish' ? [] : reductionOrder(operation);
    const window = this.reduced.reduce((product, d) => product * operation.domain[d].extent, 1);
    this.unrolled = phase === 'whole' && this.reduced.length > 0 && window <= UNROLLED;
  }

  write(): void {
    const { operation } = this.shape;
    const outer = operation.domain.flatMap(({ kind }, d) => (kind === 'reduction' || d === this.config.lane ? [] : [d]));
    this.nest(outer, () => this.blocks());
  }

  protected nest(dims: readonly number[], inner: () => void): void {
    if (dims.length === 0) {
      inner();
      return;
    }
    const [d, ...rest] = dims;
    this.fn.loop(this.access.parameters.lo[d](), this.access.parameters.hi[d], 1, (i) => {
      this.point[d] = i;
      this.nest(rest, inner);
      this.point[d] = undefined;
    });
  }

  /** The lanes of one point of the other dimensions, block by block where their addresses are not linear throughout. */
  protected blocks(): void {
    const { fn, config } = this;
    const { m, wasm } = fn;
    const { lane, block } = config;
    if (lane < 0) {
      const zero = (): Expression => m.i32.const(0);
      this.row(zero, zero);
      return;
    }
    const { lo, hi } = this.access.parameters;
    if (block === undefined) {
      this.row(lo[lane], hi[lane]);
      return;
    }
    const first = m.i32.mul(m.i32.div_u(lo[lane](), m.i32.const(block)), m.i32.const(block));
    fn.loop(first, hi[lane], block, (start) => {
      const end = (): Expression => m.i32.add(start(), m.i32.const(block));
      const from = fn.keep(wasm.i32, m.select(m.i32.gt_s(lo[lane](), start()), lo[lane](), start()));
      const to = fn.keep(wasm.i32, m.select(m.i32.lt_s(hi[lane](), end()), hi[lane](), end()));
      this.start = start;
      this.row(from, to);
    });
  }

  /** Pointers leave the lanes out; tables are looked up at the block. */
  protected pointer(k: number): Pointer {
    const { start } = this;
    if (!start) return this.access.pointer(k, this.point);
    const lookup = this.point.map((value, d) => (d === this.config.lane ? start : value));
    return this.access.pointer(k, this.point, lookup);
  }

  /** Lanes from one coordinate to another. */
  private row(from: Local, to: Local): void {
    const { fn, config, shape, target } = this;
    const { parameters, addresses } = this.access;
    const { m } = fn;
    const { body, operands: maps } = shape.operation;
    if (!body) return;
    const fixed = new Set([...operandsIn(body.init), ...operandsIn(body.finish)]);
    const stepped = this.reduced.length > 0 ? operandsIn(body.step) : new Set<number>();
    const pointers = new Map<number, Pointer>();
    for (const k of fixed) if (shape.operands[k]) pointers.set(k, this.pointer(k));
    const windows = this.unrolled ? this.window([...stepped]) : [];
    const written = shape.operands[target]?.kind === 'view' ? this.pointer(target) : undefined;
    const sum = shape.accumulator;
    const held = sum
      ? fn.keep(fn.wasm.i32, addresses.address(maps[target].map, sum.view, parameters.base(sum.parameter), this.point))
      : undefined;
    const heldStride = accumulatorStride(shape, target, config.lane) ?? 0;
    const points = (v: Local, count: 1 | 4): void => {
      this.code.alone = count === 1;
      const read =
        (at: ReadonlyMap<number, Pointer>) =>
        (k: number): Lanes =>
          this.access.load(k, at.get(k), v);
      const { acc: dtype } = body;
      const acc = this.accumulator(dtype);
      const sumAt = (): Expression => m.i32.add((held as Local)(), addresses.times(v(), heldStride));
      if (sum && (shape.phase === 'step' || shape.phase === 'finish')) {
        const loaded =
          heldStride === ELEMENT_BYTES[sum.view.dtype]
            ? this.code.load(sum.view.dtype, sumAt())
            : this.code.gather(sum.view.dtype, fn.keep(fn.wasm.i32, sumAt()), heldStride);
        acc.set(this.code.accumulate(dtype, loaded));
      } else if (this.reduced.length > 0 || usesAcc(body.finish) || shape.phase === 'init') {
        acc.set(this.code.accumulate(dtype, this.code.compile(body.init, read(pointers), acc.value)));
      }
      if (this.unrolled) {
        for (const tap of windows) acc.set(this.code.accumulate(dtype, this.code.compile(body.step, read(tap), acc.value)));
      } else if (this.reduced.length > 0) {
        this.nest(this.reduced, () => {
          const tap = new Map([...stepped].flatMap((k) => (shape.operands[k] ? [[k, this.pointer(k)] as const] : [])));
          acc.set(this.code.accumulate(dtype, this.code.compile(body.step, read(tap), acc.value)));
        });
      }
      if (sum && (shape.phase === 'init' || shape.phase === 'step')) {
        this.code.store(sum.view.dtype, sumAt(), acc.value, heldStride, count);
      } else if (written) {
        const result = this.code.compile(body.finish, read(pointers), acc.value);
        const place = config.lanes[target];
        if (place) this.code.store(place.dtype, m.i32.add(written.at(), addresses.times(v(), place.stride)), result, place.stride, count);
      }
    };

    if (config.lane < 0) {
      points(from, 1);
      return;
    }
    const [v, assign] = fn.variable(fn.wasm.i32);
    assign(from());
    const products = this.byteProducts();
    if (products && written) {
      fn.loopOn(
        v,
        assign,
        () => m.i32.sub(to(), m.i32.const(7)),
        8,
        (at) => this.eight(at, products, windows, pointers, written),
      );
    }
    fn.loopOn(
      v,
      assign,
      () => m.i32.sub(to(), m.i32.const(3)),
      4,
      (at) => points(at, 4),
    );
    fn.loopOn(v, assign, to, 1, (at) => points(at, 1));
  }

  /** The step where it multiplies neighbouring bytes, so that eight products fit 16 bits each. */
  private byteProducts(): Product | undefined {
    const { shape, config, unrolled } = this;
    const { body } = shape.operation;
    if (!unrolled || body?.acc !== 'int32' || body.init !== 0) return undefined;
    const product = productOf(body.step);
    const bytes = (k: number): boolean => {
      const lanes = config.lanes[k];
      return (lanes?.dtype === 'int8' || lanes?.dtype === 'uint8') && lanes.stride === 1;
    };
    return product && bytes(product.left) && bytes(product.right) ? product : undefined;
  }

  /** Eight lanes: 16-bit factors, 32-bit sums. */
  private eight(
    v: Local,
    { left, right, zeroLeft, zeroRight }: Product,
    windows: readonly ReadonlyMap<number, Pointer>[],
    pointers: ReadonlyMap<number, Pointer>,
    written: Pointer,
  ): void {
    const { fn, config, shape, target, code } = this;
    const { m, wasm } = fn;
    const { body } = shape.operation;
    const to = config.lanes[target];
    if (!body || !to) return;
    const factor = (k: number, zero: number, tap: ReadonlyMap<number, Pointer>): Local => {
      const { dtype } = config.lanes[k] as LaneOperand;
      const pointer = tap.get(k);
      // What this task does not touch lies outside its tensor everywhere.
      if (!pointer) return fn.keep(wasm.v128, m.i16x8.splat(m.i32.const((shape.operation.operands[k].outside ?? 0) - zero)));
      const address = m.i32.add(pointer.at(), v());
      const wide = dtype === 'int8' ? m.v128.load8x8_s(0, 1, address) : m.v128.load8x8_u(0, 1, address);
      return fn.keep(wasm.v128, zero === 0 ? wide : m.i16x8.sub(wide, m.i16x8.splat(m.i32.const(zero))));
    };
    const [low, setLow] = fn.variable(wasm.v128);
    const [high, setHigh] = fn.variable(wasm.v128);
    for (const set of [setLow, setHigh]) set(m.i32x4.splat(m.i32.const(0)));
    for (const tap of windows) {
      const [a, b] = [factor(left, zeroLeft, tap), factor(right, zeroRight, tap)];
      setLow(m.i32x4.add(low(), m.i32x4.extmul_low_i16x8_s(a(), b())));
      setHigh(m.i32x4.add(high(), m.i32x4.extmul_high_i16x8_s(a(), b())));
    }
    [low, high].forEach((sum, half) => {
      const at = half === 0 ? v : fn.keep(wasm.i32, m.i32.add(v(), m.i32.const(4)));
      const result = code.compile(body.finish, (k) => this.access.load(k, pointers.get(k), at), { kind: 'i32', v: sum });
      code.store(to.dtype, m.i32.add(written.at(), this.access.addresses.times(at(), to.stride)), result, to.stride, 4);
    });
  }

  protected accumulator(dtype: DType): { readonly value: Lanes; readonly set: (lanes: Lanes) => void } {
    const { fn } = this;
    const [v, assign] = fn.variable(fn.wasm.v128);
    const value: Lanes = { kind: dtype === 'float32' ? 'f32' : 'i32', v };
    return { value, set: (lanes) => assign((lanes as { v: Local }).v()) };
  }

  /** Pointers of every point of the window, with the reduction's coordinates as constants. */
  protected window(operands: readonly number[]): ReadonlyMap<number, Pointer>[] {
    const { fn, reduced, point } = this;
    const { domain } = this.shape.operation;
    const taps: ReadonlyMap<number, Pointer>[] = [];
    const visit = (level: number): void => {
      if (level < reduced.length) {
        for (let x = 0; x < domain[reduced[level]].extent; x++) {
          point[reduced[level]] = () => fn.m.i32.const(x);
          visit(level + 1);
        }
        point[reduced[level]] = undefined;
        return;
      }
      taps.push(new Map(operands.flatMap((k) => (this.shape.operands[k] ? [[k, this.pointer(k)] as const] : []))));
    };
    visit(0);
    return taps;
  }
}

/** Bytes between neighbouring lanes of the accumulator, which has the shape of the written tensor. */
export function accumulatorStride(shape: KernelShape, write: number, lane: number): number | undefined {
  const { accumulator } = shape;
  if (!accumulator) return undefined;
  const operands = shape.operands.map((operand, k) => (k === write ? accumulator : operand));
  const inPlace = { ...shape, operands };
  return laneBlock(inPlace, write, lane) === undefined ? laneStride(inPlace, write, lane) : undefined;
}

function usesAcc(scalar: Scalar): boolean {
  return scalar === 'acc' || (typeof scalar === 'object' && 'fn' in scalar && scalar.args.some(usesAcc));
}
