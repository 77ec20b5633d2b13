import type { Box } from '../../ir/box.js';
import { bounds, dimensionsOf, type Expr, type IndexMap } from '../../ir/index-map.js';

/**
 * Whether a map touches every element of its image over this box, not only the hull of a stride: each tensor dimension uses other
 * dimensions of the domain, and its values leave no gap.
 */
export function gapless(map: IndexMap, box: Box): boolean {
  const used = new Set<number>();
  for (const range of map) {
    if (range === 'all') continue;
    for (const d of dimensionsOf(range.at)) {
      if (used.has(d)) return false;
      used.add(d);
    }
    if (!gaplessAlong(range.at, range.size ?? 1, box)) return false;
  }
  return true;
}

/** Whether the values of an expression over a box, `size` elements at each, leave no gap. */
export function gaplessAlong(at: Expr, size: number, box: Box): boolean {
  const terms: Term[] = [];
  if (!collect(at, 1, box, terms)) return false;
  terms.sort((a, b) => a.stride - b.stride);
  let reach = size;
  for (const { stride, extent } of terms) {
    if (stride > reach) return false;
    reach += stride * (extent - 1);
  }
  return true;
}

/** `extent` values, `stride` apart. */
interface Term {
  readonly stride: number;
  readonly extent: number;
}

/** The strided terms whose sum an expression is; false where its values jump. */
function collect(expr: Expr, stride: number, box: Box, into: Term[]): boolean {
  if (typeof expr === 'number') return true;
  if ('d' in expr) {
    const [lo, hi] = box[expr.d];
    if (hi - lo > 1) into.push({ stride, extent: hi - lo });
    return true;
  }
  switch (expr[0]) {
    case '+':
      return collect(expr[1], stride, box, into) && collect(expr[2], stride, box, into);
    case '*':
      return collect(expr[1], stride * Math.abs(expr[2]), box, into);
    case 'mod': {
      const [lo, hi] = bounds(expr[1], box);
      // Over the end of a period it jumps.
      if (Math.floor(lo / expr[2]) !== Math.floor(hi / expr[2]) && hi - lo + 1 < expr[2]) return false;
    }
  }
  // Quotients, remainders and clamps of values without a gap have none.
  if (!gaplessAlong(expr[1], 1, box)) return false;
  const [lo, hi] = bounds(expr, box);
  if (hi > lo) into.push({ stride, extent: hi - lo + 1 });
  return true;
}
