import { add, apply, type Expr } from '@regrain/core-ir';

/**
 * A simple expression over dimension d with `values[i]` at i, if one of the forms `a i + b` or `clamp((i p + c) div q)` has them all;
 * so that index tables of constant size (resize, gather) become index maps with tight bounds. O(values × candidates).
 */
export function fit(values: readonly number[], d: number): Expr | undefined {
  if (values.length === 0) return 0;
  const first = values[0];
  if (values.every((value) => value === first)) return first;
  const step = values[1] - first;
  if (values.every((value, i) => value === first + step * i)) return add(apply('*', { d }, step), first);
  if (values.some((value, i) => i > 0 && value < values[i - 1])) return undefined;
  const last = values[values.length - 1];
  for (const [p, q] of slopes(values)) {
    // Offsets c for which floor((i p + c) / q) = values[i] wherever the value is not at an end, where a clamp may hold it.
    let low = Number.NEGATIVE_INFINITY;
    let high = Number.POSITIVE_INFINITY;
    values.forEach((value, i) => {
      if (value !== first) low = Math.max(low, value * q - i * p);
      if (value !== last) high = Math.min(high, value * q - i * p + q - 1);
    });
    if (low > high) continue;
    // Prefer no clamp, then the offset that is nearest to 0.
    for (const c of [0, Math.ceil((low + high) / 2), low, high].filter((c) => c >= low && c <= high)) {
      const inner = apply('div', add(apply('*', { d }, p), c), q);
      const ends = [Math.floor(c / q), Math.floor(((values.length - 1) * p + c) / q)];
      const raised = ends[0] < first ? apply('max', inner, first) : inner;
      return ends[1] > last ? apply('min', raised, last) : raised;
    }
  }
  return undefined;
}

/** Slopes p / q that the values may have, simplest first. */
function* slopes(values: readonly number[]): Generator<readonly [p: number, q: number]> {
  const span = values[values.length - 1] - values[0];
  const count = values.length;
  for (let q = 1; q <= 16; q++) {
    for (let p = 1; p <= 16; p++) {
      if (gcd(p, q) === 1 && Math.abs((p / q) * count - span) <= 2 + 2 * (p / q)) yield [p, q];
    }
  }
  // Sizes rather than factors were given: in / out.
  for (const extra of [0, 1, 2]) {
    const [p, q] = [span + extra, count];
    const by = gcd(p, q);
    if (p > 0) yield [p / by, q / by];
  }
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
