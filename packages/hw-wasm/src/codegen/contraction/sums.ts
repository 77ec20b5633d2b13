import type { DType } from '@regrain/core-ir';
import type { Expression, FunctionBuilder, Local } from '../function-builder.js';
import type { Contraction } from './plan.js';

export type Variable = readonly [value: Local, set: (value: Expression) => void];

/** The sums of a tile in registers: for each point a vector per four outputs, and the place in the weights, which moves on with the terms. */
export class Sums {
  private readonly of: readonly (readonly Variable[])[];
  private readonly w: Variable;

  /** `dtype`: of the operand in memory. As many points, and vectors of outputs. `first`: where the panel's initial sums lie (integers; floats begin with 0). */
  constructor(
    private readonly fn: FunctionBuilder,
    private readonly plan: Contraction,
    private readonly dtype: DType,
    [points, groups]: readonly [number, number],
    first: Local,
    weights: Expression,
  ) {
    const { m, wasm } = fn;
    const vectors = (): Variable[] => Array.from({ length: groups }, () => fn.variable(wasm.v128));
    this.of = Array.from({ length: points }, vectors);
    for (const own of this.of) {
      for (const [g, [, set]] of own.entries()) set(plan.integer ? m.v128.load(16 * g, 4, first()) : m.f32x4.splat(m.f32.const(0)));
    }
    this.w = fn.variable(wasm.i32);
    this.w[1](weights);
  }

  /** Of the i-th point. */
  at(i: number): Local[] {
    return this.of[i].map(([sum]) => sum);
  }

  /** Leaves out so many bytes of weights. */
  skip(bytes: Expression): void {
    const [w, set] = this.w;
    set(this.fn.m.i32.add(w(), bytes));
  }

  /** Adds `count` terms, `stride` bytes apart, of each point: from pointers of their own, or from one and `offset` bytes between points. */
  add(count: number, starts: readonly Local[], offset: number, stride: number): void {
    const pointers = starts.map((start) => {
      const variable = this.fn.variable(this.fn.wasm.i32);
      variable[1](start());
      return variable;
    });
    if (this.plan.integer) this.integers(count, pointers, offset);
    else this.floats(count, pointers, offset, stride);
  }

  private floats(count: number, pointers: readonly Variable[], offset: number, stride: number): void {
    const { fn, plan, of } = this;
    const { m, wasm } = fn;
    const [w, setW] = this.w;
    const row = plan.panel * 4;
    // One term at a time: V8 orders a block's products before its sums, and more of them than there are registers would spill.
    rounds(fn, count, row, w, () => {
      const rows = of[0].map((_, g) => fn.keep(wasm.v128, m.v128.load(16 * g, 4, w())));
      of.forEach((own, i) => {
        const [pointer] = pointers[i] ?? pointers[0];
        const a = fn.keep(wasm.v128, m.v128.load32_splat(pointers.length === 1 ? i * offset : 0, 4, pointer()));
        for (const [g, [sum, set]] of own.entries())
          set(plan.alone ? m.f32x4.add(sum(), m.f32x4.mul(a(), rows[g]())) : fn.multiplyAdd(a(), rows[g](), sum()));
      });
      setW(m.i32.add(w(), m.i32.const(row)));
      for (const [pointer, set] of pointers) set(m.i32.add(pointer(), m.i32.const(stride)));
    });
  }

  /** Pairs of terms at once: 16-bit products, added in pairs to 32 bits. */
  private integers(count: number, pointers: readonly Variable[], offset: number): void {
    const { fn, plan, of } = this;
    const { m, wasm } = fn;
    const [w, setW] = this.w;
    const signed = this.dtype === 'int8';
    const row = plan.panel * 4;
    const wide = (pointer: Local, at: number): Expression => {
      if (plan.step === 8) return signed ? m.v128.load8x8_s(at, 1, pointer()) : m.v128.load8x8_u(at, 1, pointer());
      const four = m.v128.load32_zero(at, 1, pointer());
      return signed ? m.i16x8.extend_low_i8x16_s(four) : m.i16x8.extend_low_i8x16_u(four);
    };
    rounds(fn, Math.ceil(count / plan.step), (plan.step / 2) * row, w, () => {
      const values = of.map((_, i) => {
        const [pointer] = pointers[i] ?? pointers[0];
        return fn.keep(wasm.v128, wide(pointer, pointers.length === 1 ? i * offset : 0));
      });
      for (let pair = 0; pair < plan.step / 2; pair++) {
        const rows = of[0].map((_, g) => fn.keep(wasm.v128, m.v128.load(pair * row + 16 * g, 4, w())));
        const lanes = [0, 1, 2, 3].map((k) => 4 * pair + k);
        values.forEach((value, i) => {
          const both = fn.keep(wasm.v128, m.i8x16.shuffle(value(), value(), [...lanes, ...lanes, ...lanes, ...lanes]));
          for (const [g, [sum, set]] of of[i].entries()) set(m.i32x4.add(sum(), m.i32x4.dot_i16x8_s(both(), rows[g]())));
        });
      }
      setW(m.i32.add(w(), m.i32.const((plan.step / 2) * row)));
      for (const [pointer, set] of pointers) set(m.i32.add(pointer(), m.i32.const(plan.step)));
    });
  }
}

/** So many rounds of a body, each of which moves `w` on by `bytes`. */
export function rounds(fn: FunctionBuilder, count: number, bytes: number, w: Local, body: () => void): void {
  if (count === 1) {
    body();
    return;
  }
  const end = fn.keep(fn.wasm.i32, fn.m.i32.add(w(), fn.m.i32.const(count * bytes)));
  fn.repeat(body, () => fn.m.i32.ne(w(), end()));
}
