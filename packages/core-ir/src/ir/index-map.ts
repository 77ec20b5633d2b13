import type { Box } from './box.js';

/**
 * Affine expression over the dimensions of an iteration domain, with floor division, modulo and clamps (the affine maps of MLIR's
 * Linalg, extended by min and max). `{ d }` is a dimension of the domain. Divisors are positive.
 */
export type Expr =
  | number
  | { readonly d: number }
  | readonly ['+', Expr, Expr]
  | readonly ['*' | 'div' | 'mod' | 'min' | 'max', Expr, number];

/** One tensor dimension of an index map: the interval `[at, at + size)`, size 1 if absent; `'all'` where it depends on data (gather). */
export type IndexRange = { readonly at: Expr; readonly size?: number } | 'all';

/** From a point of the domain to a box of the tensor: one range per tensor dimension. */
export type IndexMap = readonly IndexRange[];

/** Value at one point of the domain. */
export function evaluate(expr: Expr, point: ArrayLike<number>): number {
  if (typeof expr === 'number') return expr;
  if ('d' in expr) return point[expr.d];
  const a = evaluate(expr[1], point);
  switch (expr[0]) {
    case '+':
      return a + evaluate(expr[2], point);
    case '*':
      return a * expr[2];
    case 'div':
      return Math.floor(a / expr[2]);
    case 'mod':
      return a - Math.floor(a / expr[2]) * expr[2];
    case 'min':
      return Math.min(a, expr[2]);
    case 'max':
      return Math.max(a, expr[2]);
  }
}

/** Smallest and largest value over a non-empty box of the domain, both included (exact for one use of each dimension, else a cover). */
export function bounds(expr: Expr, box: Box): readonly [min: number, max: number] {
  if (typeof expr === 'number') return [expr, expr];
  if ('d' in expr) return [box[expr.d][0], box[expr.d][1] - 1];
  const [lo, hi] = bounds(expr[1], box);
  const k = expr[2];
  switch (expr[0]) {
    case '+': {
      const [lo2, hi2] = bounds(k as Expr, box);
      return [lo + lo2, hi + hi2];
    }
    case '*': {
      const by = k as number;
      return by >= 0 ? [lo * by, hi * by] : [hi * by, lo * by];
    }
    case 'div':
      return [Math.floor(lo / (k as number)), Math.floor(hi / (k as number))];
    case 'mod': {
      const by = k as number;
      const from = Math.floor(lo / by);
      return from === Math.floor(hi / by) ? [lo - from * by, hi - from * by] : [0, by - 1];
    }
    case 'min':
      return [Math.min(lo, k as number), Math.min(hi, k as number)];
    case 'max':
      return [Math.max(lo, k as number), Math.max(hi, k as number)];
  }
}

/** The box of the tensor that a (non-empty) box of the domain touches; it may reach outside `shape` where the operand pads. */
export function image(map: IndexMap, domainBox: Box, shape: readonly number[]): Box {
  return map.map((range, dimension) => {
    if (range === 'all') return [0, shape[dimension]] as const;
    const [lo, hi] = bounds(range.at, domainBox);
    return [lo, hi + (range.size ?? 1)] as const;
  });
}

/** Replaces every `{ d }` by `by[d]`, folding constants. */
export function substitute(expr: Expr, by: readonly Expr[]): Expr {
  if (typeof expr === 'number') return expr;
  if ('d' in expr) return by[expr.d];
  if (expr[0] === '+') return add(substitute(expr[1], by), substitute(expr[2], by));
  return apply(expr[0], substitute(expr[1], by), expr[2]);
}

export function add(a: Expr, b: Expr): Expr {
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  if (a === 0) return b;
  if (b === 0) return a;
  return ['+', a, b];
}

export function apply(op: '*' | 'div' | 'mod' | 'min' | 'max', a: Expr, by: number): Expr {
  if (typeof a === 'number') return evaluate([op, a, by], []);
  if ((op === '*' || op === 'div') && by === 1) return a;
  if ((op === '*' && by === 0) || (op === 'mod' && by === 1)) return 0;
  return [op, a, by];
}

/** The dimensions of the domain that an expression uses. */
export function dimensionsOf(expr: Expr, into: Set<number> = new Set()): Set<number> {
  if (typeof expr === 'number') return into;
  if ('d' in expr) return into.add(expr.d);
  dimensionsOf(expr[1], into);
  if (expr[0] === '+') dimensionsOf(expr[2], into);
  return into;
}

/** A plain `{ d }` plus a constant, as writes have it; undefined for anything else (a constant alone gives `d: -1`). */
export function shifted(range: IndexRange): { readonly d: number; readonly offset: number } | undefined {
  if (range === 'all') return undefined;
  const { at } = range;
  if (typeof at === 'number') return { d: -1, offset: at };
  if ('d' in at) return { d: at.d, offset: 0 };
  if (at[0] !== '+') return undefined;
  const [, a, b] = at;
  if (typeof a === 'object' && 'd' in a && typeof b === 'number') return { d: a.d, offset: b };
  if (typeof b === 'object' && 'd' in b && typeof a === 'number') return { d: b.d, offset: a };
  return undefined;
}

/** The map of an operand that is read or written point by point in the domain's first `rank` dimensions. */
export function identityMap(rank: number): IndexMap {
  return Array.from({ length: rank }, (_, d) => ({ at: { d } }));
}
