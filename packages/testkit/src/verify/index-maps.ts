import type { Box, Expr, IndexMap, IndexRange } from '@regrain/core-ir';

/**
 * The interval of values that an index expression takes over a non-empty box, both ends included. Exact where each dimension is used
 * once, else a cover. Written apart from the kernel's own evaluation: by the monotone pieces of each function.
 */
export function interval(expr: Expr, box: Box): [number, number] {
  if (typeof expr === 'number') return [expr, expr];
  if (!Array.isArray(expr)) {
    const [lo, hi] = box[(expr as { d: number }).d];
    return [lo, hi - 1];
  }
  const [op, a, b] = expr as readonly [string, Expr, Expr];
  const [lo, hi] = interval(a, box);
  if (op === '+') {
    const [lo2, hi2] = interval(b, box);
    return [lo + lo2, hi + hi2];
  }
  const k = b as number;
  if (op === 'mod') {
    // Within one period the remainder grows; across a border it takes every value at worst.
    const samePeriod = Math.floor(lo / k) === Math.floor(hi / k);
    return samePeriod ? [modulo(lo, k), modulo(hi, k)] : [0, k - 1];
  }
  const f = monotone(op, k);
  const ends = [f(lo), f(hi)];
  return [Math.min(...ends), Math.max(...ends)];
}

function monotone(op: string, k: number): (x: number) => number {
  switch (op) {
    case '*':
      return (x) => x * k;
    case 'div':
      return (x) => Math.floor(x / k);
    case 'min':
      return (x) => Math.min(x, k);
    case 'max':
      return (x) => Math.max(x, k);
    default:
      throw new RangeError(`unknown index function ${op}`);
  }
}

function modulo(x: number, k: number): number {
  return ((x % k) + k) % k;
}

/** What a box of the domain touches of a tensor, clipped to it; `undefined` if that is nothing. */
export function touched(map: IndexMap, domain: Box, shape: readonly number[]): Box | undefined {
  const box: (readonly [number, number])[] = [];
  for (let d = 0; d < shape.length; d++) {
    const range = map[d];
    if (range === 'all') {
      box.push([0, shape[d]]);
      continue;
    }
    const [lo, hi] = interval(range.at, domain);
    const side = [Math.max(0, lo), Math.min(shape[d], hi + (range.size ?? 1))] as const;
    if (side[1] <= side[0]) return undefined;
    box.push(side);
  }
  return box.some(([lo, hi]) => hi <= lo) ? undefined : box;
}

/** Whether `part` is what a box of the domain touches of a tensor, and not empty. */
export function touchesExactly(map: IndexMap, domain: Box, shape: readonly number[], part: Box): boolean {
  if (part.length !== shape.length) return false;
  for (let d = 0; d < shape.length; d++) {
    const range = map[d];
    let [lo, hi] = [0, shape[d]];
    if (range !== 'all') {
      const [least, most] = interval(range.at, domain);
      lo = Math.max(0, least);
      hi = Math.min(shape[d], most + (range.size ?? 1));
    }
    if (hi <= lo || part[d][0] !== lo || part[d][1] !== hi) return false;
  }
  return true;
}

/** Value of an index expression at one point. */
export function valueAt(expr: Expr, point: ArrayLike<number>): number {
  if (typeof expr === 'number') return expr;
  if (!Array.isArray(expr)) return point[(expr as { d: number }).d];
  const [op, a, b] = expr as readonly [string, Expr, Expr];
  const x = valueAt(a, point);
  if (op === '+') return x + valueAt(b, point);
  return op === 'mod' ? modulo(x, b as number) : monotone(op, b as number)(x);
}

/** `[dimension, constant]` of a range that is one dimension of the domain plus a constant (-1: the constant alone). */
export function plain(range: IndexRange): readonly [dimension: number, constant: number] | undefined {
  if (range === 'all') return undefined;
  let dimension = -1;
  let constant = 0;
  const terms: Expr[] = [range.at];
  for (let term = terms.pop(); term !== undefined; term = terms.pop()) {
    if (typeof term === 'number') constant += term;
    else if (!Array.isArray(term)) {
      if (dimension >= 0) return undefined;
      dimension = (term as { d: number }).d;
    } else if (term[0] === '+') terms.push(term[1], term[2] as Expr);
    else return undefined;
  }
  return [dimension, constant];
}
