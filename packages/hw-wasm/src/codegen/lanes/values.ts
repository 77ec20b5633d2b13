import { type DType, RegrainError } from '@regrain/core-ir';
import type { Expression, FunctionBuilder, Local } from '../function-builder.js';
import type { Lanes } from './lanes.js';

/** Four values in registers, and as other kinds of numbers. `exact`: literals in the narrowest kind that holds them to the bit. */
export class LaneValues {
  constructor(
    readonly fn: FunctionBuilder,
    protected readonly exact: boolean,
  ) {}

  /** Values that are literals, none of them NaN. */
  private readonly literals = new Set<Local>();

  keep(kind: 'f32' | 'i32', value: Expression): Lanes {
    return { kind, v: this.fn.keep(this.fn.wasm.v128, value) };
  }

  pair(low: Expression, high: Expression): Lanes {
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
    if (this.exact && Number.isInteger(value) && Math.abs(value) < 2 ** 31) return this.keep('i32', m.i32x4.splat(m.i32.const(value)));
    if (!this.exact || Object.is(Math.fround(value), value)) return this.keep('f32', m.f32x4.splat(m.f32.const(value)));
    const splat = (): Expression => m.f64x2.splat(m.f64.const(value));
    return this.pair(splat(), splat());
  }

  /** Lane k in front. */
  protected shifted(value: Lanes, k: number): Lanes {
    if (k === 0 || value.kind === 'f64') return value;
    const bytes = Array.from({ length: 16 }, (_, b) => (4 * k + b) % 16);
    return this.keep(value.kind, this.fn.m.i8x16.shuffle(value.v(), value.v(), bytes));
  }

  /** As single-precision floats (rounded). */
  f32(value: Lanes): Local {
    const { m, wasm } = this.fn;
    if (value.kind === 'f32') return value.v;
    if (value.kind === 'i32') return this.fn.keep(wasm.v128, m.f32x4.convert_i32x4_s(value.v()));
    return this.joined(m.f32x4.demote_f64x2_zero(value.low()), m.f32x4.demote_f64x2_zero(value.high()));
  }

  /** As integers, cut towards zero. */
  i32(value: Lanes): Local {
    const { m, wasm } = this.fn;
    if (value.kind === 'i32') return value.v;
    if (value.kind === 'f32') return this.fn.keep(wasm.v128, m.i32x4.trunc_sat_f32x4_s(value.v()));
    return this.joined(m.i32x4.trunc_sat_f64x2_s_zero(value.low()), m.i32x4.trunc_sat_f64x2_s_zero(value.high()));
  }

  /** The first two lanes of each. */
  private joined(low: Expression, high: Expression): Local {
    const { m, wasm } = this.fn;
    return this.fn.keep(wasm.v128, m.i8x16.shuffle(low, high, [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]));
  }

  /** As doubles. */
  f64(value: Lanes): { readonly low: Local; readonly high: Local } {
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
}
