import type { Scalar } from '@regrain/core-ir';
import type { Expression, FunctionBuilder, Local } from '../function-builder.js';
import type { Imports } from '../imports.js';
import { inDoubles } from './doubles.js';
import { exp, power, ROUNDER, ROUNDER_BITS } from './elementary.js';
import { inExactFloats, inFloats } from './floats.js';
import { inIntegers } from './integers.js';
import type { Lanes } from './lanes.js';
import { LaneMemory } from './memory.js';

/**
 * Scalar bodies over four elements at a time. `exact` keeps the interpreter's results to the bit, as integer models need: doubles,
 * except where single precision gives the same (a correctly rounded float32 operation on float32 values that `fround` rounds anyway:
 * Figueroa 1995, "When is double rounding innocuous?"). Otherwise everything is float32.
 */
export class LaneCode extends LaneMemory {
  /** Of the lanes only the first one counts. */
  alone = false;

  /** Operand values that fit 24 bits; set by the kernel. */
  smallOperands: ReadonlySet<number> = new Set();

  constructor(
    fn: FunctionBuilder,
    private readonly imports: Imports,
    exact: boolean,
  ) {
    super(fn, exact);
  }

  /** e to each lane. */
  exponential(value: Expression): Local {
    return exp(this.fn, this.fn.keep(this.fn.wasm.v128, value));
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
      const raised = power(this.fn, this.f32(this.compile(scalar.args[0], read, acc)), scalar.args[1]);
      if (raised) return { kind: 'f32', v: raised };
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
    if (typeof value === 'object' && 'fn' in value && value.args.length <= 2 && ['add', 'sub', 'mul', 'div', 'sqrt'].includes(value.fn)) {
      const args = value.args.map((argument) => this.compile(argument, read, acc));
      if (args.every(({ kind }) => kind === 'i32') && (value.fn === 'add' || value.fn === 'sub')) {
        // Sums of two 32-bit integers of a model are within 32 bits.
        return { kind: 'f32', v: this.f32(this.apply(value.fn, args)) };
      }
      const single = args.map((argument, k) => this.single(argument, value.args[k]));
      if (single.every((argument) => argument !== undefined)) {
        return inFloats(
          this,
          value.fn,
          single.map((v): Lanes => ({ kind: 'f32', v: v as Local })),
        ) as Lanes;
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

  private isSmall(scalar: Scalar): boolean {
    if (typeof scalar === 'number') return Number.isInteger(scalar) && Math.abs(scalar) <= 65536;
    if (scalar === 'acc') return false;
    if ('x' in scalar) return this.smallOperands.has(scalar.x);
    return (scalar.fn === 'sub' || scalar.fn === 'add') && scalar.args.every((argument) => this.isSmall(argument));
  }

  private apply(name: string, args: readonly Lanes[]): Lanes {
    if (!this.exact) return inFloats(this, name, args) ?? this.oneByOne(name, args);
    const same = inIntegers(this, name, args) ?? inExactFloats(this, name, args);
    return same ?? inDoubles(this, name, args) ?? this.oneByOne(name, args);
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
