import type { Box } from '../ir/box.js';
import { bounds, type Expr, type IndexMap } from '../ir/index-map.js';

/** `constant + Σ coefficient × dimension + Σ coefficient × rest`; `rest` holds divisions, remainders and clamps. */
export interface Linear {
  constant: number;
  readonly terms: Map<number, number>;
  readonly rest: { readonly expr: Expr; readonly by: number }[];
}

export function linear(): Linear {
  return { constant: 0, terms: new Map(), rest: [] };
}

/** Adds `expr × by`. */
export function addTo(sum: Linear, expr: Expr, by: number): void {
  if (by === 0) return;
  if (typeof expr === 'number') sum.constant += expr * by;
  else if ('d' in expr) sum.terms.set(expr.d, (sum.terms.get(expr.d) ?? 0) + by);
  else if (expr[0] === '+') {
    addTo(sum, expr[1], by);
    addTo(sum, expr[2], by);
  } else if (expr[0] === '*') addTo(sum, expr[1], by * expr[2]);
  else sum.rest.push({ expr, by });
}

/** Row-major element strides. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let d = shape.length - 2; d >= 0; d--) strides[d] = strides[d + 1] * shape[d + 1];
  return strides;
}

/** The element offset that a map of single elements reaches in a row-major tensor. */
export function offsetOf(map: IndexMap, shape: readonly number[]): Linear {
  const strides = stridesOf(shape);
  const sum = linear();
  map.forEach((range, d) => {
    if (range === 'all' || (range.size ?? 1) !== 1) throw new RangeError('a map of single elements is wanted');
    addTo(sum, range.at, strides[d]);
  });
  return sum;
}

/** JavaScript text of an index expression, dimension d being `i{d}`; bounds over the domain decide where integer shortcuts are safe. */
export function expressionText(expr: Expr, domain: Box): string {
  if (typeof expr === 'number') return `${expr}`;
  if ('d' in expr) return `i${expr.d}`;
  const a = expressionText(expr[1], domain);
  if (expr[0] === '+') return `(${a} + ${expressionText(expr[2], domain)})`;
  const by = expr[2];
  const natural = bounds(expr[1], domain)[0] >= 0;
  switch (expr[0]) {
    case '*':
      return `(${a} * ${by})`;
    case 'div':
      return natural ? `((${a} / ${by}) | 0)` : `Math.floor(${a} / ${by})`;
    case 'mod':
      return natural ? `(${a} % ${by})` : `(${a} - Math.floor(${a} / ${by}) * ${by})`;
    case 'min':
      return `Math.min(${a}, ${by})`;
    case 'max':
      return `Math.max(${a}, ${by})`;
  }
}
