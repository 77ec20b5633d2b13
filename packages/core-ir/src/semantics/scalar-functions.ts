/**
 * The functions that a `Scalar` may call, by name, over IEEE doubles. Booleans are 0 and 1; integers must be safe integers.
 * A float32 tensor rounds when it is written, not within an expression (`fround` does that where it matters).
 */
export const SCALAR_FUNCTIONS: Readonly<Record<string, (...args: number[]) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  /** Remainder with the sign of the dividend (C's fmod). */
  rem: (a, b) => a % b,
  /** Remainder with the sign of the divisor (Python's). */
  mod: (a, b) => a - Math.floor(a / b) * b,
  neg: (a) => -a,
  abs: Math.abs,
  min: (a, b) => Math.min(a, b),
  max: (a, b) => Math.max(a, b),
  clamp: (a, lo, hi) => Math.min(Math.max(a, lo), hi),
  sign: Math.sign,
  floor: Math.floor,
  ceil: Math.ceil,
  trunc: Math.trunc,
  /** To the nearest integer, ties to even (ONNX Round, and every requantisation). */
  roundEven,
  round: roundEven,
  fround: Math.fround,
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  sqrt: Math.sqrt,
  pow: (a, b) => a ** b,
  sigmoid: (a) => 1 / (1 + Math.exp(-a)),
  erf,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
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
  bitAnd: (a, b) => Number(BigInt(a) & BigInt(b)),
  bitOr: (a, b) => Number(BigInt(a) | BigInt(b)),
  bitXor: (a, b) => Number(BigInt(a) ^ BigInt(b)),
  bitNot: (a) => Number(~BigInt(a)),
  select: (condition, a, b) => (condition !== 0 ? a : b),
  isNaN: (a) => (Number.isNaN(a) ? 1 : 0),
};

/** Those that JavaScript writes as an operator; `$0` … are the arguments. */
export const INLINE: Readonly<Record<string, string>> = {
  add: '($0 + $1)',
  sub: '($0 - $1)',
  mul: '($0 * $1)',
  div: '($0 / $1)',
  neg: '(-$0)',
  eq: '($0 === $1 ? 1 : 0)',
  ne: '($0 !== $1 ? 1 : 0)',
  lt: '($0 < $1 ? 1 : 0)',
  le: '($0 <= $1 ? 1 : 0)',
  gt: '($0 > $1 ? 1 : 0)',
  ge: '($0 >= $1 ? 1 : 0)',
  select: '($0 !== 0 ? $1 : $2)',
};

function roundEven(a: number): number {
  const below = Math.floor(a);
  const rest = a - below;
  if (rest < 0.5) return below;
  if (rest > 0.5) return below + 1;
  return below % 2 === 0 ? below : below + 1;
}

/** Maclaurin series up to |x| = 3, continued fraction of erfc (Lentz) beyond: Abramowitz and Stegun 7.1.5 and 7.1.14. To about 1e-15. */
function erf(x: number): number {
  const a = Math.abs(x);
  if (!(a < 6)) return Number.isNaN(x) ? x : Math.sign(x);
  if (a <= 3) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let k = 60; k > 0; k--) fraction = k / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * (a + fraction)));
}
