import { add, apply, type Box, bounds, boxOf, type DType, type Expr, elements, type IndexMap, substitute } from '@regrain/core-ir';
import { simplify } from './simplify.js';

/**
 * A value as readers see it: elements of a stored tensor under an index map. `map[j]` is the tensor's index along dimension j as an
 * expression over the view's own dimensions; what falls outside of the tensor is `outside` (padding).
 */
export interface View {
  readonly tensor: number;
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly map: readonly Expr[];
  readonly outside?: number;
}

export function wholeView(tensor: number, shape: readonly number[], dtype: DType): View {
  return { tensor, shape, dtype, map: shape.map((_, d) => ({ d })) };
}

/** The view that reads `view` at `at`, one expression over the new shape per dimension of the old. */
export function through(view: View, shape: readonly number[], at: readonly Expr[], outside = view.outside): View {
  const domain: Box = boxOf(shape);
  return {
    ...view,
    shape,
    map: view.map.map((expr) => simplify(substitute(expr, at), domain)),
    ...(outside === undefined ? {} : { outside }),
  };
}

/** The map reads every element of the tensor at its own place. */
export function isWhole(view: View, shape: readonly number[]): boolean {
  return (
    view.outside === undefined &&
    view.shape.length === shape.length &&
    view.map.every((expr, d) => view.shape[d] === shape[d] && (shape[d] === 1 || isDimension(expr, d)))
  );
}

function isDimension(expr: Expr, d: number): boolean {
  return typeof expr === 'object' && 'd' in expr && expr.d === d;
}

export function reshape(view: View, shape: readonly number[]): View {
  const at: Expr[] = new Array(view.shape.length).fill(0);
  // Groups of consecutive dimensions with equal products are reshaped apart, so that what did not change stays itself.
  let [i, j] = [0, 0];
  while (i < view.shape.length || j < shape.length) {
    const [from, to] = [i, j];
    let [a, b] = [view.shape[i++] ?? 1, shape[j++] ?? 1];
    while (a !== b) {
      if (a < b) a *= view.shape[i++];
      else b *= shape[j++];
    }
    let flat: Expr = 0;
    for (let k = to; k < Math.min(j, shape.length); k++) flat = add(flat, apply('*', { d: k }, elements(shape.slice(k + 1, j))));
    for (let k = from; k < Math.min(i, view.shape.length); k++) {
      const quotient = apply('div', flat, elements(view.shape.slice(k + 1, i)));
      at[k] = k === from ? quotient : apply('mod', quotient, view.shape[k]);
    }
  }
  return through(view, shape, at);
}

export function transpose(view: View, order: readonly number[]): View {
  const at: Expr[] = new Array(order.length);
  order.forEach((from, d) => {
    at[from] = { d };
  });
  return through(
    view,
    order.map((from) => view.shape[from]),
    at,
  );
}

/** Rows `start, start + step, …` of one dimension. */
export function slice(view: View, dimension: number, start: number, count: number, step = 1): View {
  return through(
    view,
    view.shape.map((extent, d) => (d === dimension ? count : extent)),
    view.shape.map((_, d) => (d === dimension ? add(apply('*', { d }, step), start) : { d })),
  );
}

/** Extents of 1 repeated; new dimensions stand in front. */
export function broadcastTo(view: View, shape: readonly number[]): View {
  const extra = shape.length - view.shape.length;
  return through(
    view,
    shape,
    view.shape.map((extent, d) => (extent === 1 ? 0 : { d: d + extra })),
  );
}

/** The index map of an operand that reads the view by `map`; undefined where no index map says it. */
export function composed(
  view: View,
  map: IndexMap,
  tensorShape: readonly number[],
  outside: number | undefined,
  domain: Box,
): { readonly map: IndexMap; readonly outside?: number } | undefined {
  if (outside !== undefined && !padsLike(view, tensorShape, outside)) return undefined;
  const points: Expr[] = map.map((range, d) => (range === 'all' ? { d: -1 - d } : range.at));
  const ranged = map.map((range) => range === 'all' || (range.size ?? 1) !== 1);
  const result: IndexMap[number][] = [];
  for (let j = 0; j < view.map.length; j++) {
    const expr = view.map[j];
    const used = usedDimensions(expr);
    const wide = used.filter((d) => ranged[d]);
    if (wide.length === 0) {
      result.push({ at: simplify(substitute(expr, points), domain) });
      continue;
    }
    // A range of the view is a range of the tensor only where the dimension is read as it is, plus a constant.
    const plain = plainDimension(expr);
    if (plain === undefined) return undefined;
    const range = map[plain.d];
    if (range === 'all') {
      if (plain.offset === 0 && view.shape[plain.d] === tensorShape[j]) result.push('all');
      else return undefined; // data decide within the view, which is not the tensor
    } else result.push({ at: simplify(add(range.at, plain.offset), domain), size: range.size });
  }
  // Every ranged dimension must survive as one range; a repeated one (extent 1 broadcast) does not.
  const kept = new Set(view.map.flatMap((expr) => usedDimensions(expr)));
  if (ranged.some((wide, d) => wide && !kept.has(d) && view.shape[d] !== 1)) return undefined;
  // A dimension that the tensor does not have cannot be padded.
  for (let d = 0; d < view.shape.length; d++) {
    const range = map[d];
    if (kept.has(d) || range === 'all') continue;
    const [lo, hi] = bounds(range.at, domain);
    if (lo < 0 || hi + (range.size ?? 1) > view.shape[d]) return undefined;
  }
  const beyond = view.outside ?? outside;
  return beyond === undefined ? { map: result } : { map: result, outside: beyond };
}

/** Dimension by dimension a box of the tensor: what an opaque operation, which gets its boxes as they are stored, can read. */
export function isBox(view: View): boolean {
  return (
    view.map.length === view.shape.length &&
    view.map.every((expr, d) => (typeof expr === 'number' ? view.shape[d] === 1 : plainDimension(expr)?.d === d))
  );
}

/** Whether reading outside the view is reading outside the tensor: each dimension whole, in any order, or padded with the same value. */
function padsLike(view: View, tensorShape: readonly number[], outside: number): boolean {
  if (view.outside !== undefined)
    return (
      Object.is(view.outside, outside) &&
      view.map.every((expr, j) => {
        if (typeof expr === 'number') return true;
        const plain = plainDimension(expr);
        return plain !== undefined && plain.offset <= 0 && view.shape[plain.d] + plain.offset >= tensorShape[j];
      })
    );
  return view.map.every((expr, j) => {
    if (typeof expr === 'number') return true;
    const plain = plainDimension(expr);
    return plain !== undefined && plain.offset === 0 && view.shape[plain.d] === tensorShape[j];
  });
}

function plainDimension(expr: Expr): { readonly d: number; readonly offset: number } | undefined {
  if (typeof expr === 'number') return undefined;
  if ('d' in expr) return { d: expr.d, offset: 0 };
  if (expr[0] === '+' && typeof expr[2] === 'number' && typeof expr[1] === 'object' && 'd' in expr[1])
    return { d: expr[1].d, offset: expr[2] };
  return undefined;
}

function usedDimensions(expr: Expr): number[] {
  if (typeof expr === 'number') return [];
  if ('d' in expr) return [expr.d];
  return expr[0] === '+' ? [...usedDimensions(expr[1]), ...usedDimensions(expr[2])] : usedDimensions(expr[1]);
}
