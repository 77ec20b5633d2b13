import { type DType, RegrainError, type Scalar } from '@regrain/core-ir';
import type { Expression, FunctionBuilder, Local } from './function-builder.js';
import type { Imports } from './imports.js';

/** Four neighbouring elements: in one register of floats or integers, or in two of doubles. */
export type Lanes =
  | { readonly kind: 'f32'; readonly v: Local }
  | { readonly kind: 'i32'; readonly v: Local }
  | { readonly kind: 'f64'; readonly low: Local; readonly high: Local };

/** 1.5 × 2^23, where neighbouring floats are 1 apart, and its bits. */
const ROUNDER = 12582912;
const ROUNDER_BITS = 0x4b400000;

/** e to this is the least normal float32. */
const LEAST_EXPONENT = -87.33654;

const ZERO = new Array<number>(16).fill(0);

/**
 * Scalar bodies over four elements at a time. `exact` keeps the interpreter's results to the bit, as integer models need: doubles,
 * except where single precision gives the same (a correctly rounded float32 operation on float32 values that `fround` rounds anyway:
 * Figueroa 1995, "When is double rounding innocuous?"). Otherwise everything is float32.
 */
export class LaneCode {
  constructor(
    private readonly fn: FunctionBuilder,
    private readonly imports: Imports,
    private readonly exact: boolean,
  ) {}

  /** Values that are literals, none of them NaN. */
  private readonly literals = new Set<Local>();

  private keep(kind: 'f32' | 'i32', value: Expression): Lanes {
    return { kind, v: this.fn.keep(this.fn.wasm.v128, value) };
  }

  private pair(low: Expression, high: Expression): Lanes {
    const { wasm } = this.fn;
    return { kind: 'f64', low: this.fn.keep(wasm.v128, low), high: this.fn.keep(wasm.v128, high) };
  }

  constant(value: number): Lanes {
    const lanes = this.splatted(value);
    if (lanes.kind === 'f32' && !Number.isNaN(value)) this.literals.add(lanes.v);
    return lanes;
  }

  private splatted(value: number): Lanes {
    const { m } = this.fn;
    if (!this.exact || Object.is(Math.fround(value), value)) {
      if (this.exact && Number.isInteger(value) && Math.abs(value) < 2 ** 31) return this.keep('i32', m.i32x4.splat(m.i32.const(value)));
      return this.keep('f32', m.f32x4.splat(m.f32.const(value)));
    }
    if (Number.isInteger(value) && Math.abs(value) < 2 ** 31) return this.keep('i32', m.i32x4.splat(m.i32.const(value)));
    const splat = (): Expression => m.f64x2.splat(m.f64.const(value));
    return this.pair(splat(), splat());
  }

  /** Four elements from an address on. */
  load(dtype: DType, address: Expression, offset = 0): Lanes {
    const { m } = this.fn;
    switch (dtype) {
      case 'float32':
        return this.keep('f32', m.v128.load(offset, 1, address));
      case 'int32':
        return this.keep('i32', m.v128.load(offset, 1, address));
      case 'int8':
        return this.keep('i32', m.i32x4.extend_low_i16x8_s(m.i16x8.extend_low_i8x16_s(m.v128.load32_zero(offset, 1, address))));
      case 'uint8':
      case 'bool':
        return this.keep('i32', m.i32x4.extend_low_i16x8_u(m.i16x8.extend_low_i8x16_u(m.v128.load32_zero(offset, 1, address))));
      case 'int16':
        return this.keep('i32', m.v128.load16x4_s(offset, 1, address));
      case 'uint16':
        return this.keep('i32', m.v128.load16x4_u(offset, 1, address));
      default:
        throw new RegrainError('internal', `no lanes of ${dtype}`);
    }
  }

  /** One element in all lanes. */
  splat(dtype: DType, address: Expression, offset = 0): Lanes {
    const { m } = this.fn;
    switch (dtype) {
      case 'float32':
        return this.keep('f32', m.v128.load32_splat(offset, 1, address));
      case 'int32':
        return this.keep('i32', m.v128.load32_splat(offset, 1, address));
      case 'int8':
        return this.keep('i32', m.i32x4.splat(m.i32.load8_s(offset, 1, address)));
      case 'uint8':
      case 'bool':
        return this.keep('i32', m.i32x4.splat(m.i32.load8_u(offset, 1, address)));
      case 'int16':
        return this.keep('i32', m.i32x4.splat(m.i32.load16_s(offset, 1, address)));
      case 'uint16':
        return this.keep('i32', m.i32x4.splat(m.i32.load16_u(offset, 1, address)));
      default:
        throw new RegrainError('internal', `no lanes of ${dtype}`);
    }
  }

  /** Four elements `stride` bytes apart. */
  gather(dtype: DType, address: Local, stride: number): Lanes {
    const { m } = this.fn;
    return this.gatherAt(dtype, (k) => (k === 0 ? address() : m.i32.add(address(), m.i32.const(k * stride))));
  }

  /** Four elements, each at an address of its own. */
  gatherAt(dtype: DType, at: (k: number) => Expression): Lanes {
    const { m, wasm } = this.fn;
    if (dtype === 'float32' || dtype === 'int32') {
      let v = m.v128.load32_zero(0, 1, at(0));
      for (let k = 1; k < 4; k++) v = m.v128.load32_lane(0, 1, k, at(k), v);
      return this.keep(dtype === 'float32' ? 'f32' : 'i32', v);
    }
    const one = (k: number): Expression => {
      switch (dtype) {
        case 'int8':
          return m.i32.load8_s(0, 1, at(k));
        case 'uint8':
        case 'bool':
          return m.i32.load8_u(0, 1, at(k));
        case 'int16':
          return m.i32.load16_s(0, 1, at(k));
        case 'uint16':
          return m.i32.load16_u(0, 1, at(k));
        default:
          throw new RegrainError('internal', `no lanes of ${dtype}`);
      }
    };
    let v = m.i32x4.splat(one(0));
    for (let k = 1; k < 4; k++) v = m.i32x4.replace_lane(v, k, one(k));
    return { kind: 'i32', v: this.fn.keep(wasm.v128, v) };
  }

  /** Stores the four lanes, or the first `count`. */
  store(dtype: DType, address: Expression, value: Lanes, stride: number, count: 1 | 4, offset = 0): void {
    const { m, wasm } = this.fn;
    const fn = this.fn;
    const width = WIDTH[dtype];
    if (!width) throw new RegrainError('internal', `no lanes of ${dtype}`);
    if (dtype === 'float32') {
      const v = this.f32(value);
      if (count === 4 && stride === width) fn.push(m.v128.store(offset, 1, address, v()));
      else {
        const at = fn.keep(wasm.i32, address);
        for (let k = 0; k < count; k++) fn.push(m.v128.store32_lane(offset, 1, k, m.i32.add(at(), m.i32.const(k * stride)), v()));
      }
      return;
    }
    let v = this.i32(value);
    if (dtype === 'bool') {
      const whole = v;
      v = fn.keep(wasm.v128, m.i32x4.sub(m.v128.const(ZERO), m.i32x4.ne(whole(), m.v128.const(ZERO))));
    }
    if (count === 4 && stride === width && width === 4) fn.push(m.v128.store(offset, 1, address, v()));
    else if (count === 4 && stride === width && width === 1) {
      const bytes = m.i8x16.shuffle(v(), v(), [0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12]);
      fn.push(m.v128.store32_lane(offset, 1, 0, address, bytes));
    } else {
      const at = fn.keep(wasm.i32, address);
      for (let k = 0; k < count; k++) {
        const lane = m.i32x4.extract_lane(v(), k);
        const to = m.i32.add(at(), m.i32.const(k * stride));
        fn.push(
          width === 1
            ? m.i32.store8(offset, 1, to, lane)
            : width === 2
              ? m.i32.store16(offset, 1, to, lane)
              : m.i32.store(offset, 1, to, lane),
        );
      }
    }
  }

  /** Stores the lanes `[from, to)`, known only at run time; lane 0 would go to `address`. */
  storePart(dtype: DType, address: Expression, value: Lanes, stride: number, to: Expression, from?: Expression): void {
    const { m, wasm } = this.fn;
    const at = this.fn.keep(wasm.i32, address);
    const end = this.fn.keep(wasm.i32, to);
    const start = from && this.fn.keep(wasm.i32, from);
    const lanes: Lanes = dtype === 'float32' ? { kind: 'f32', v: this.f32(value) } : { kind: 'i32', v: this.i32(value) };
    for (let k = 0; k < (start ? 4 : 3); k++) {
      const below = m.i32.gt_s(end(), m.i32.const(k));
      this.fn.when(start ? m.i32.and(below, m.i32.le_s(start(), m.i32.const(k))) : below, () =>
        this.store(dtype, m.i32.add(at(), m.i32.const(k * stride)), this.shifted(lanes, k), stride, 1),
      );
    }
  }

  /** Lane k in front. */
  private shifted(value: Lanes, k: number): Lanes {
    if (k === 0 || value.kind === 'f64') return value;
    const bytes = Array.from({ length: 16 }, (_, b) => (4 * k + b) % 16);
    return this.keep(value.kind, this.fn.m.i8x16.shuffle(value.v(), value.v(), bytes));
  }

  /** As single-precision floats (rounded). */
  f32(value: Lanes): Local {
    const { m, wasm } = this.fn;
    if (value.kind === 'f32') return value.v;
    if (value.kind === 'i32') return this.fn.keep(wasm.v128, m.f32x4.convert_i32x4_s(value.v()));
    const halves = [value.low, value.high].map((half) => m.f32x4.demote_f64x2_zero(half()));
    return this.fn.keep(wasm.v128, m.i8x16.shuffle(halves[0], halves[1], [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]));
  }

  /** As integers, cut towards zero. */
  i32(value: Lanes): Local {
    const { m, wasm } = this.fn;
    if (value.kind === 'i32') return value.v;
    if (value.kind === 'f32') return this.fn.keep(wasm.v128, m.i32x4.trunc_sat_f32x4_s(value.v()));
    const halves = [value.low, value.high].map((half) => m.i32x4.trunc_sat_f64x2_s_zero(half()));
    return this.fn.keep(wasm.v128, m.i8x16.shuffle(halves[0], halves[1], [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]));
  }

  private f64(value: Lanes): { readonly low: Local; readonly high: Local } {
    const { m, wasm } = this.fn;
    const keep = (v: Expression): Local => this.fn.keep(wasm.v128, v);
    if (value.kind === 'f64') return value;
    const upper = (): Expression => m.i8x16.shuffle(value.v(), value.v(), [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15]);
    if (value.kind === 'i32') {
      return { low: keep(m.f64x2.convert_low_i32x4_s(value.v())), high: keep(m.f64x2.convert_low_i32x4_s(upper())) };
    }
    return { low: keep(m.f64x2.promote_low_f32x4(value.v())), high: keep(m.f64x2.promote_low_f32x4(upper())) };
  }

  /** Rounds to what an accumulator of the type holds. */
  accumulate(dtype: DType, value: Lanes): Lanes {
    if (dtype === 'float32') return { kind: 'f32', v: this.f32(value) };
    if (dtype === 'int32') return { kind: 'i32', v: this.i32(value) };
    if (dtype === 'float64') return { kind: 'f64', ...this.f64(value) };
    throw new RegrainError('internal', `no lanes of ${dtype}`);
  }

  compile(scalar: Scalar, read: (operand: number) => Lanes, acc: Lanes): Lanes {
    if (typeof scalar === 'number') return this.constant(scalar);
    if (scalar === 'acc') return acc;
    if ('x' in scalar) return read(scalar.x);
    if (this.exact) {
      const clamped = this.clampOfSum(scalar, read, acc);
      if (clamped) return clamped;
      if (scalar.fn === 'fround') return this.rounded(scalar.args[0], read, acc);
    }
    if (!this.exact && scalar.fn === 'pow' && typeof scalar.args[1] === 'number') {
      const power = this.power(this.f32(this.compile(scalar.args[0], read, acc)), scalar.args[1]);
      if (power) return { kind: 'f32', v: power };
    }
    const fused = this.fn.fused && !this.exact && scalar.fn === 'add' ? this.sumOfProduct(scalar.args, read, acc) : undefined;
    if (fused) return fused;
    const args = scalar.args.map((argument) => this.compile(argument, read, acc));
    return this.apply(scalar.fn, args);
  }

  /** `c + a × b`, rounded once. */
  private sumOfProduct(args: readonly Scalar[], read: (operand: number) => Lanes, acc: Lanes): Lanes | undefined {
    const at = args.findIndex((each) => typeof each === 'object' && 'fn' in each && each.fn === 'mul');
    const product = args[at];
    if (typeof product !== 'object' || !('fn' in product)) return undefined;
    const [c, a, b] = [args[1 - at], ...product.args].map((each) => this.f32(this.compile(each, read, acc)));
    return this.keep('f32', this.fn.multiplyAdd(a(), b(), c()));
  }

  /**
   * `min(max(f + c, low), high)` with a float f, a small integer c and bounds of an integer type: single precision gives the same,
   * since the sum is exact wherever it is not clamped.
   */
  private clampOfSum(scalar: Scalar, read: (operand: number) => Lanes, acc: Lanes): Lanes | undefined {
    const { m } = this.fn;
    const small = (value: Scalar): value is number => typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= 65536;
    if (typeof scalar !== 'object' || !('fn' in scalar)) return undefined;
    let low: Scalar;
    let high: Scalar;
    let inner: Scalar;
    if (scalar.fn === 'min' && typeof scalar.args[0] === 'object' && 'fn' in scalar.args[0] && scalar.args[0].fn === 'max') {
      high = scalar.args[1];
      [inner, low] = scalar.args[0].args;
    } else if (scalar.fn === 'clamp') [inner, low, high] = scalar.args;
    else return undefined;
    if (!small(low) || !small(high)) return undefined;
    let add: number | undefined;
    if (typeof inner === 'object' && 'fn' in inner && inner.fn === 'add' && small(inner.args[1])) {
      add = inner.args[1];
      inner = inner.args[0];
    }
    if (typeof inner !== 'object' || !('fn' in inner) || (inner.fn !== 'roundEven' && inner.fn !== 'fround')) return undefined;
    const rounds = inner.fn === 'roundEven';
    const value = this.compile(rounds ? inner.args[0] : inner, read, acc);
    if (value.kind !== 'f32') return undefined;
    const splat = (x: number): Expression => m.f32x4.splat(m.f32.const(x));
    const shift = add ?? 0;
    // Clamped first: integers bound what rounds to them, too.
    const clamped = m.f32x4.pmin(m.f32x4.pmax(value.v(), splat(low - shift)), splat(high - shift));
    if (!rounds) return this.keep('f32', add === undefined ? clamped : m.f32x4.add(clamped, splat(shift)));
    // The sum rounds, halves to even, and its last bits are the integer; NaN becomes 0.
    const whole = m.i32x4.sub(m.f32x4.add(clamped, splat(ROUNDER)), m.i32x4.splat(m.i32.const(ROUNDER_BITS - shift)));
    return this.keep('i32', m.v128.and(whole, m.f32x4.eq(value.v(), value.v())));
  }

  /** `fround(value)`, in single precision where that is the same. */
  private rounded(value: Scalar, read: (operand: number) => Lanes, acc: Lanes): Lanes {
    const { m } = this.fn;
    if (typeof value === 'object' && 'fn' in value && value.args.length <= 2 && ['add', 'sub', 'mul', 'div', 'sqrt'].includes(value.fn)) {
      const args = value.args.map((argument) => this.compile(argument, read, acc));
      if (args.every(({ kind }) => kind === 'i32') && (value.fn === 'add' || value.fn === 'sub')) {
        // Sums of two 32-bit integers of a model are within 32 bits.
        return { kind: 'f32', v: this.f32(this.apply(value.fn, args)) };
      }
      const single = args.map((argument, k) => this.single(argument, value.args[k]));
      if (single.every((argument) => argument !== undefined)) {
        const [a, b] = single as Local[];
        const result =
          value.fn === 'add'
            ? m.f32x4.add(a(), b())
            : value.fn === 'sub'
              ? m.f32x4.sub(a(), b())
              : value.fn === 'mul'
                ? m.f32x4.mul(a(), b())
                : value.fn === 'div'
                  ? m.f32x4.div(a(), b())
                  : m.f32x4.sqrt(a());
        return this.keep('f32', result);
      }
      return { kind: 'f32', v: this.f32(this.apply(value.fn, args)) };
    }
    return { kind: 'f32', v: this.f32(this.compile(value, read, acc)) };
  }

  /** A value as float32 if that loses nothing: floats, literals, differences of bytes. */
  private single(value: Lanes, scalar: Scalar): Local | undefined {
    if (value.kind === 'f32') return value.v;
    if (value.kind === 'f64') return undefined;
    if (typeof scalar === 'number') return Math.abs(scalar) < 2 ** 24 ? this.f32(value) : undefined;
    return this.isSmall(scalar) ? this.f32(value) : undefined;
  }

  /** Of the lanes only the first one counts. */
  alone = false;

  /** Operand values that fit 24 bits; set by the kernel. */
  smallOperands: ReadonlySet<number> = new Set();

  private isSmall(scalar: Scalar): boolean {
    if (typeof scalar === 'number') return Number.isInteger(scalar) && Math.abs(scalar) <= 65536;
    if (scalar === 'acc') return false;
    if ('x' in scalar) return this.smallOperands.has(scalar.x);
    return (scalar.fn === 'sub' || scalar.fn === 'add') && scalar.args.every((argument) => this.isSmall(argument));
  }

  private apply(name: string, args: readonly Lanes[]): Lanes {
    const { m } = this.fn;
    const [a, b, c] = args;
    const whole = args.every(({ kind }) => kind === 'i32');
    if (whole && this.exact) {
      const [x, y] = args.map((each) => (each as { v: Local }).v);
      if (name === 'add') return this.keep('i32', m.i32x4.add(x(), y()));
      if (name === 'sub') return this.keep('i32', m.i32x4.sub(x(), y()));
      if (name === 'mul') return this.keep('i32', m.i32x4.mul(x(), y()));
      if (name === 'max') return this.keep('i32', m.i32x4.max_s(x(), y()));
      if (name === 'min') return this.keep('i32', m.i32x4.min_s(x(), y()));
      if (name === 'clamp') return this.apply('min', [this.apply('max', [a, b]), c]);
      if (name === 'roundEven' || name === 'round' || name === 'floor' || name === 'ceil' || name === 'trunc') return a;
      if (name === 'neg') return this.keep('i32', m.i32x4.neg(x()));
      if (name === 'abs') return this.keep('i32', m.i32x4.abs(x()));
    }
    if (
      this.exact &&
      a.kind === 'f32' &&
      args.length === 1 &&
      ['roundEven', 'round', 'floor', 'ceil', 'trunc', 'neg', 'abs'].includes(name)
    ) {
      return this.keep('f32', this.single1(name, a.v));
    }
    if (this.exact && args.every(({ kind }) => kind === 'f32') && (name === 'max' || name === 'min')) {
      const [x, y] = args.map((each) => (each as { v: Local }).v);
      return this.keep('f32', name === 'max' ? m.f32x4.max(x(), y()) : m.f32x4.min(x(), y()));
    }
    if (!this.exact) return this.inFloats(name, args);
    return this.inDoubles(name, args);
  }

  private single1(name: string, a: Local): Expression {
    const { f32x4 } = this.fn.m;
    switch (name) {
      case 'floor':
        return f32x4.floor(a());
      case 'ceil':
        return f32x4.ceil(a());
      case 'trunc':
        return f32x4.trunc(a());
      case 'neg':
        return f32x4.neg(a());
      case 'abs':
        return f32x4.abs(a());
      default:
        return f32x4.nearest(a());
    }
  }

  private inFloats(name: string, args: readonly Lanes[]): Lanes {
    const { m, wasm } = this.fn;
    const { f32x4 } = m;
    const values = args.map((argument) => this.f32(argument));
    const [a, b, c] = values;
    const one = (): Expression => f32x4.splat(m.f32.const(1));
    const truth = (mask: Expression): Lanes => this.keep('f32', m.v128.and(mask, one()));
    switch (name) {
      case 'add':
        return this.keep('f32', f32x4.add(a(), b()));
      case 'sub':
        return this.keep('f32', f32x4.sub(a(), b()));
      case 'mul':
        return this.keep('f32', f32x4.mul(a(), b()));
      case 'div':
        return this.keep('f32', f32x4.div(a(), b()));
      case 'max':
        return this.keep('f32', this.greater(a, b));
      case 'min':
        return this.keep('f32', this.less(a, b));
      case 'clamp': {
        const raised = this.fn.keep(wasm.v128, this.greater(a, b));
        return this.keep('f32', this.less(raised, c));
      }
      case 'reciprocal':
        return this.keep('f32', f32x4.div(one(), a()));
      case 'sqrt':
        return this.keep('f32', f32x4.sqrt(a()));
      case 'fround':
        return { kind: 'f32', v: a };
      case 'round':
      case 'roundEven':
      case 'floor':
      case 'ceil':
      case 'trunc':
      case 'neg':
      case 'abs':
        return this.keep('f32', this.single1(name, a));
      case 'eq':
        return truth(f32x4.eq(a(), b()));
      case 'ne':
        return truth(f32x4.ne(a(), b()));
      case 'lt':
        return truth(f32x4.lt(a(), b()));
      case 'le':
        return truth(f32x4.le(a(), b()));
      case 'gt':
        return truth(f32x4.gt(a(), b()));
      case 'ge':
        return truth(f32x4.ge(a(), b()));
      case 'select':
        return this.keep('f32', m.v128.bitselect(c(), b(), f32x4.eq(a(), m.v128.const(ZERO))));
      case 'exp':
        return { kind: 'f32', v: this.exp(a) };
      case 'sigmoid': {
        const negative = this.fn.keep(wasm.v128, f32x4.neg(a()));
        const power = this.exp(negative);
        return this.keep('f32', f32x4.div(one(), f32x4.add(one(), power())));
      }
      case 'tanh':
        return { kind: 'f32', v: this.tanh(a) };
      default:
        return this.oneByOne(name, args);
    }
  }

  /** The greater one of each lane; NaN wins. One instruction where the second is a literal, three else: wasm's own `max` takes eight. */
  greater(a: Local, b: Local): Expression {
    const { m } = this.fn;
    const most = m.f32x4.pmax(a(), b());
    return this.literals.has(b) ? most : m.v128.or(most, m.f32x4.ne(b(), b()));
  }

  /** The less one of each lane; NaN wins. */
  less(a: Local, b: Local): Expression {
    const { m } = this.fn;
    const least = m.f32x4.pmin(a(), b());
    return this.literals.has(b) ? least : m.v128.or(least, m.f32x4.ne(b(), b()));
  }

  /**
   * tanh in single precision (Cephes tanhf, S. L. Moshier): near 0 an odd polynomial, elsewhere 1 − 2 / (e^2|x| + 1) with the sign of x.
   * NaN stays NaN.
   */
  private tanh(x: Local): Local {
    const { m, wasm } = this.fn;
    const { f32x4 } = m;
    const splat = (value: number): Expression => f32x4.splat(m.f32.const(value));
    const keep = (value: Expression): Local => this.fn.keep(wasm.v128, value);
    const size = keep(f32x4.abs(x()));
    const power = this.exp(keep(f32x4.add(size(), size())));
    const far = f32x4.sub(splat(1), f32x4.div(splat(2), f32x4.add(power(), splat(1))));
    const signed = m.v128.or(far, m.v128.and(x(), f32x4.splat(m.f32.const(-0))));
    const square = keep(f32x4.mul(x(), x()));
    let p = splat(-5.70498872745e-3);
    for (const coefficient of [2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1]) {
      p = this.fn.multiplyAdd(p, square(), splat(coefficient));
    }
    const near = f32x4.add(f32x4.mul(f32x4.mul(p, square()), x()), x());
    return keep(m.v128.bitselect(near, signed, f32x4.lt(size(), splat(0.625))));
  }

  /** Powers that multiplications and square roots give. */
  private power(a: Local, exponent: number): Local | undefined {
    const { m, wasm } = this.fn;
    const { f32x4 } = m;
    const keep = (value: Expression): Local => this.fn.keep(wasm.v128, value);
    if (exponent === 2) return keep(f32x4.mul(a(), a()));
    if (exponent === 0.5) return keep(f32x4.sqrt(a()));
    if (exponent !== 0.75) return undefined;
    const root = keep(f32x4.sqrt(a()));
    return keep(f32x4.mul(root(), f32x4.sqrt(root())));
  }

  /** e to each lane. */
  exponential(value: Expression): Local {
    return this.exp(this.fn.keep(this.fn.wasm.v128, value));
  }

  /**
   * e^x in single precision, error below 2 ulp: x = n ln 2 + r by two-part reduction, a polynomial of degree 5 on r (Cephes expf,
   * S. L. Moshier), the power of two through the exponent's bits. NaN stays NaN; beyond the range of
   * normal numbers 0 and infinity.
   */
  private exp(x: Local): Local {
    const { m, wasm } = this.fn;
    const { f32x4 } = m;
    const splat = (value: number): Expression => f32x4.splat(m.f32.const(value));
    const keep = (value: Expression): Local => this.fn.keep(wasm.v128, value);
    const bounded = keep(f32x4.pmin(f32x4.pmax(x(), splat(LEAST_EXPONENT)), splat(89)));
    // Rounded by a sum of which the last bits are the integer.
    const sum = keep(this.fn.multiplyAdd(bounded(), splat(Math.LOG2E), splat(ROUNDER)));
    const n = keep(f32x4.sub(sum(), splat(ROUNDER)));
    const r = keep(f32x4.sub(f32x4.sub(bounded(), f32x4.mul(n(), splat(0.693359375))), f32x4.mul(n(), splat(-2.1219444e-4))));
    let p = splat(1.98756915e-4);
    for (const coefficient of [1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1]) {
      p = this.fn.multiplyAdd(p, r(), splat(coefficient));
    }
    const y = f32x4.add(this.fn.multiplyAdd(f32x4.mul(p, r()), r(), r()), splat(1));
    // Two halves of the power, so that each is a normal number even where the result is not.
    const whole = keep(m.i32x4.sub(sum(), m.i32x4.splat(m.i32.const(ROUNDER_BITS))));
    const half = keep(m.i32x4.shr_s(whole(), m.i32.const(1)));
    const power = (k: Expression): Expression => m.i32x4.shl(m.i32x4.add(k, m.i32x4.splat(m.i32.const(127))), m.i32.const(23));
    const scaled = f32x4.mul(f32x4.mul(y, power(half())), power(m.i32x4.sub(whole(), half())));
    // Below, results would be no normal numbers, which processors compute a hundred times slower.
    return keep(m.v128.andnot(scaled, f32x4.lt(x(), splat(LEAST_EXPONENT))));
  }

  private inDoubles(name: string, args: readonly Lanes[]): Lanes {
    const { m } = this.fn;
    const { f64x2 } = m;
    const values = args.map((argument) => this.f64(argument));
    const each = (compute: (a: Local, b: Local, c: Local) => Expression): Lanes => {
      const [low, high] = (['low', 'high'] as const).map((side) => {
        const [a, b, c] = values.map((value) => value[side]);
        return compute(a, b, c);
      });
      return this.pair(low, high);
    };
    switch (name) {
      case 'add':
        return each((a, b) => f64x2.add(a(), b()));
      case 'sub':
        return each((a, b) => f64x2.sub(a(), b()));
      case 'mul':
        return each((a, b) => f64x2.mul(a(), b()));
      case 'div':
        return each((a, b) => f64x2.div(a(), b()));
      case 'max':
        return each((a, b) => f64x2.max(a(), b()));
      case 'min':
        return each((a, b) => f64x2.min(a(), b()));
      case 'clamp':
        return each((a, b, c) => f64x2.min(f64x2.max(a(), b()), c()));
      case 'sqrt':
        return each((a) => f64x2.sqrt(a()));
      case 'neg':
        return each((a) => f64x2.neg(a()));
      case 'abs':
        return each((a) => f64x2.abs(a()));
      case 'floor':
        return each((a) => f64x2.floor(a()));
      case 'ceil':
        return each((a) => f64x2.ceil(a()));
      case 'trunc':
        return each((a) => f64x2.trunc(a()));
      case 'round':
      case 'roundEven':
        return each((a) => f64x2.nearest(a()));
      case 'select':
        return each((a, b, c) => m.v128.bitselect(c(), b(), f64x2.eq(a(), m.v128.const(ZERO))));
      default:
        return this.oneByOne(name, args);
    }
  }

  /** What WebAssembly does not have: the host's function, lane by lane. */
  private oneByOne(name: string, args: readonly Lanes[]): Lanes {
    const { m, wasm } = this.fn;
    const host = this.imports.use(name, args.length);
    const values = args.map((argument) => this.f64(argument));
    const lane = (k: number): Expression =>
      m.call(
        host,
        values.map((value) => m.f64x2.extract_lane((k < 2 ? value.low : value.high)(), k % 2)),
        wasm.f64,
      );
    const both = (first: number): Expression => m.f64x2.replace_lane(m.f64x2.splat(lane(first)), 1, lane(first + 1));
    const only = this.alone ? this.fn.keep(wasm.v128, m.f64x2.splat(lane(0))) : undefined;
    const result = only ? this.pair(only(), only()) : this.pair(both(0), both(2));
    return this.exact ? result : { kind: 'f32', v: this.f32(result) };
  }
}

const WIDTH: Readonly<Partial<Record<DType, number>>> = {
  float32: 4,
  int32: 4,
  uint32: 4,
  int16: 2,
  uint16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
};

/** Types that lanes can load. */
export function hasLanes(dtype: DType): boolean {
  return ['float32', 'int32', 'int16', 'uint16', 'int8', 'uint8', 'bool'].includes(dtype);
}
