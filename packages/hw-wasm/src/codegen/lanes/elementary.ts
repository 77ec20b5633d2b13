import type { Expression, FunctionBuilder, Local } from '../function-builder.js';

/** 1.5 × 2^23, where neighbouring floats are 1 apart, and its bits. */
export const ROUNDER = 12582912;
export const ROUNDER_BITS = 0x4b400000;

/** e to this is the least normal float32. */
const LEAST_EXPONENT = -87.33654;

/**
 * e^x in single precision, error below 2 ulp: x = n ln 2 + r by two-part reduction, a polynomial of degree 5 on r (Cephes expf,
 * S. L. Moshier), the power of two through the exponent's bits. NaN stays NaN; beyond the range of
 * normal numbers 0 and infinity.
 */
export function exp(fn: FunctionBuilder, x: Local): Local {
  const { m, wasm } = fn;
  const { f32x4 } = m;
  const splat = (value: number): Expression => f32x4.splat(m.f32.const(value));
  const keep = (value: Expression): Local => fn.keep(wasm.v128, value);
  const bounded = keep(f32x4.pmin(f32x4.pmax(x(), splat(LEAST_EXPONENT)), splat(89)));
  // Rounded by a sum of which the last bits are the integer.
  const sum = keep(fn.multiplyAdd(bounded(), splat(Math.LOG2E), splat(ROUNDER)));
  const n = keep(f32x4.sub(sum(), splat(ROUNDER)));
  const r = keep(f32x4.sub(f32x4.sub(bounded(), f32x4.mul(n(), splat(0.693359375))), f32x4.mul(n(), splat(-2.1219444e-4))));
  let p = splat(1.98756915e-4);
  for (const coefficient of [1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1]) {
    p = fn.multiplyAdd(p, r(), splat(coefficient));
  }
  const y = f32x4.add(fn.multiplyAdd(f32x4.mul(p, r()), r(), r()), splat(1));
  // Two halves of the power, so that each is a normal number even where the result is not.
  const whole = keep(m.i32x4.sub(sum(), m.i32x4.splat(m.i32.const(ROUNDER_BITS))));
  const half = keep(m.i32x4.shr_s(whole(), m.i32.const(1)));
  const power = (k: Expression): Expression => m.i32x4.shl(m.i32x4.add(k, m.i32x4.splat(m.i32.const(127))), m.i32.const(23));
  const scaled = f32x4.mul(f32x4.mul(y, power(half())), power(m.i32x4.sub(whole(), half())));
  // Below, results would be no normal numbers, which processors compute a hundred times slower.
  return keep(m.v128.andnot(scaled, f32x4.lt(x(), splat(LEAST_EXPONENT))));
}

/**
 * tanh in single precision (Cephes tanhf, S. L. Moshier): near 0 an odd polynomial, elsewhere 1 − 2 / (e^2|x| + 1) with the sign of x.
 * NaN stays NaN.
 */
export function tanh(fn: FunctionBuilder, x: Local): Local {
  const { m, wasm } = fn;
  const { f32x4 } = m;
  const splat = (value: number): Expression => f32x4.splat(m.f32.const(value));
  const keep = (value: Expression): Local => fn.keep(wasm.v128, value);
  const size = keep(f32x4.abs(x()));
  const power = exp(fn, keep(f32x4.add(size(), size())));
  const far = f32x4.sub(splat(1), f32x4.div(splat(2), f32x4.add(power(), splat(1))));
  const signed = m.v128.or(far, m.v128.and(x(), f32x4.splat(m.f32.const(-0))));
  const square = keep(f32x4.mul(x(), x()));
  let p = splat(-5.70498872745e-3);
  for (const coefficient of [2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1]) {
    p = fn.multiplyAdd(p, square(), splat(coefficient));
  }
  const near = f32x4.add(f32x4.mul(f32x4.mul(p, square()), x()), x());
  return keep(m.v128.bitselect(near, signed, f32x4.lt(size(), splat(0.625))));
}

/** Powers that multiplications and square roots give. */
export function power(fn: FunctionBuilder, a: Local, exponent: number): Local | undefined {
  const { m, wasm } = fn;
  const { f32x4 } = m;
  const keep = (value: Expression): Local => fn.keep(wasm.v128, value);
  if (exponent === 2) return keep(f32x4.mul(a(), a()));
  if (exponent === 0.5) return keep(f32x4.sqrt(a()));
  if (exponent !== 0.75) return undefined;
  const root = keep(f32x4.sqrt(a()));
  return keep(f32x4.mul(root(), f32x4.sqrt(root())));
}
