/**
 * The functions that a `Scalar` may name: their whole meaning, over JavaScript numbers (IEEE double). Truth values are 1 and 0; any
 * number but 0 counts as true. Results are rounded only where they are stored (the accumulator's and the output's type), or by
 * `fround`. Integer arithmetic is exact up to 2^53.
 */
export const SCALAR_FUNCTIONS: Readonly<Record<string, (...args: number[]) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  /** Integer quotient, towards zero. */
  idiv: (a, b) => Math.trunc(a / b),
  /** Remainder with the sign of the dividend (C's fmod). */
  rem: (a, b) => a % b,
  fmod: (a, b) => a % b,
  /** Remainder with the sign of the divisor (Python). */
  mod: (a, b) => a - Math.floor(a / b) * b,
  /** NaN wins. */
  max: (a, b) => Math.max(a, b),
  min: (a, b) => Math.min(a, b),
  clamp: (value, low, high) => Math.min(Math.max(value, low), high),
  neg: (a) => -a,
  abs: (a) => Math.abs(a),
  sign: (a) => Math.sign(a),
  reciprocal: (a) => 1 / a,
  exp: (a) => Math.exp(a),
  expm1: (a) => Math.expm1(a),
  log: (a) => Math.log(a),
  log1p: (a) => Math.log1p(a),
  log2: (a) => Math.log2(a),
  sqrt: (a) => Math.sqrt(a),
  pow: (a, b) => a ** b,
  erf,
  sigmoid: (a) => 1 / (1 + Math.exp(-a)),
  tanh: (a) => Math.tanh(a),
  sin: (a) => Math.sin(a),
  cos: (a) => Math.cos(a),
  tan: (a) => Math.tan(a),
  asin: (a) => Math.asin(a),
  acos: (a) => Math.acos(a),
  atan: (a) => Math.atan(a),
  atan2: (a, b) => Math.atan2(a, b),
  sinh: (a) => Math.sinh(a),
  cosh: (a) => Math.cosh(a),
  asinh: (a) => Math.asinh(a),
  acosh: (a) => Math.acosh(a),
  atanh: (a) => Math.atanh(a),
  floor: (a) => Math.floor(a),
  ceil: (a) => Math.ceil(a),
  trunc: (a) => Math.trunc(a),
  /** To the nearest integer, halves to the even one. */
  roundEven,
  round: roundEven,
  /** To the nearest float32. */
  fround: (a) => Math.fround(a),
  eq: (a, b) => (a === b ? 1 : 0),
  ne: (a, b) => (a !== b ? 1 : 0),
  lt: (a, b) => (a < b ? 1 : 0),
  le: (a, b) => (a <= b ? 1 : 0),
  gt: (a, b) => (a > b ? 1 : 0),
  ge: (a, b) => (a >= b ? 1 : 0),
  and: (a, b) => (a !== 0 && b !== 0 ? 1 : 0),
  or: (a, b) => (a !== 0 || b !== 0 ? 1 : 0),
  xor: (a, b) => ((a !== 0) !== (b !== 0) ? 1 : 0),
  not: (a) => (a === 0 ? 1 : 0),
  isNaN: (a) => (Number.isNaN(a) ? 1 : 0),
  /** The second argument where the first is not 0, else the third. */
  select: (condition, a, b) => (condition !== 0 ? a : b),
  bitAnd: (a, b) => bitwise(a, b, (x, y) => x & y),
  bitOr: (a, b) => bitwise(a, b, (x, y) => x | y),
  bitXor: (a, b) => bitwise(a, b, (x, y) => x ^ y),
  bitNot: (a) => -1 - a,
  shiftLeft: (a, b) => a * 2 ** b,
  shiftRight: (a, b) => Math.floor(a / 2 ** b),
};

/** JavaScript text of the functions that need no call; it means exactly what the table above says. */
export const INLINE_FUNCTIONS: Readonly<Record<string, (...args: string[]) => string>> = {
  add: (a, b) => `(${a} + ${b})`,
  sub: (a, b) => `(${a} - ${b})`,
  mul: (a, b) => `(${a} * ${b})`,
  div: (a, b) => `(${a} / ${b})`,
  max: (a, b) => `Math.max(${a}, ${b})`,
  min: (a, b) => `Math.min(${a}, ${b})`,
  clamp: (value, low, high) => `Math.min(Math.max(${value}, ${low}), ${high})`,
  neg: (a) => `(-${a})`,
  abs: (a) => `Math.abs(${a})`,
  sqrt: (a) => `Math.sqrt(${a})`,
  floor: (a) => `Math.floor(${a})`,
  ceil: (a) => `Math.ceil(${a})`,
  trunc: (a) => `Math.trunc(${a})`,
  fround: (a) => `Math.fround(${a})`,
  eq: (a, b) => `(${a} === ${b} ? 1 : 0)`,
  ne: (a, b) => `(${a} !== ${b} ? 1 : 0)`,
  lt: (a, b) => `(${a} < ${b} ? 1 : 0)`,
  le: (a, b) => `(${a} <= ${b} ? 1 : 0)`,
  gt: (a, b) => `(${a} > ${b} ? 1 : 0)`,
  ge: (a, b) => `(${a} >= ${b} ? 1 : 0)`,
  select: (condition, a, b) => `(${condition} !== 0 ? ${a} : ${b})`,
};

function roundEven(value: number): number {
  const down = Math.floor(value);
  const rest = value - down;
  if (rest < 0.5) return down;
  return rest > 0.5 || down % 2 !== 0 ? down + 1 : down;
}

/** Bit by bit in two's complement, in halves of 32 bits, so that 64-bit integers in the safe range come out right. */
function bitwise(a: number, b: number, fn: (x: number, y: number) => number): number {
  if (Math.abs(a) < 2 ** 31 && Math.abs(b) < 2 ** 31) return fn(a, b);
  const high = fn(Math.floor(a / 2 ** 32) | 0, Math.floor(b / 2 ** 32) | 0);
  return high * 2 ** 32 + (fn(a | 0, b | 0) >>> 0);
}

/**
 * The error function to about 1 ulp: its series of positive terms below 3 (Abramowitz & Stegun 7.1.6), the continued fraction of
 * erfc above (7.1.14, evaluated from the tail).
 */
function erf(x: number): number {
  if (Number.isNaN(x)) return x;
  const a = Math.abs(x);
  if (a >= 6) return Math.sign(x);
  if (a < 3) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-17; n++) {
      term *= (2 * x * x) / (2 * n + 1);
      sum += term;
    }
    return ((2 * sum) / Math.sqrt(Math.PI)) * Math.exp(-x * x);
  }
  let tail = a;
  for (let k = 60; k >= 1; k--) tail = a + k / 2 / tail;
  return Math.sign(x) * (1 - Math.exp(-a * a) / (tail * Math.sqrt(Math.PI)));
}
