import type { Box } from '../ir/box.js';
import { bounds, type Expr, type IndexMap } from '../ir/index-map.js';

type Side = Box[number];

/**
 * What a (non-empty) box of the domain touches of a tensor, within it; undefined if that is nothing. Sides are those of `whole` (the
 * tensor's box) or of the domain's box where they are alike, and the box is `whole` where all are: of millions of accesses, most differ
 * in no side or in one.
 */
export function clippedImage(map: IndexMap, box: Box, whole: Box): Box | undefined {
  let made: Side[] | undefined;
  for (let k = 0; k < whole.length; k++) {
    const side = sideOf(map[k], box, whole[k]);
    if (!side) return undefined;
    if (side === whole[k] && !made) continue;
    made ??= whole.slice();
    made[k] = side;
  }
  return made ?? whole;
}

function sideOf(range: IndexMap[number], box: Box, whole: Side): Side | undefined {
  const [from, to] = whole;
  if (range === 'all') return from < to ? whole : undefined;
  const { at, size = 1 } = range;
  let lo: number;
  let hi: number;
  const shift = shiftOf(at);
  if (shift === undefined) [lo, hi] = bounds(at, box);
  else if (typeof at === 'number') lo = hi = at;
  else {
    const side = box[dimensionOf(at)];
    lo = side[0] + shift;
    hi = side[1] + shift - 1;
    // Most writes, and pointwise reads.
    if (shift === 0 && size === 1 && lo >= from && hi < to && !(lo === from && hi === to - 1)) return lo <= hi ? side : undefined;
  }
  if (lo < from) lo = from;
  hi = hi + size < to ? hi + size : to;
  if (hi <= lo) return undefined;
  return lo === from && hi === to ? whole : [lo, hi];
}

/** The constant of a number (0), of a dimension alone (0), or of a dimension plus a constant; undefined for anything else. */
function shiftOf(at: Expr): number | undefined {
  if (typeof at === 'number' || 'd' in at) return 0;
  const [op, a, b] = at;
  return op === '+' && typeof a === 'object' && 'd' in a && typeof b === 'number' ? b : undefined;
}

/** Of an expression that has a shift and is no number. */
function dimensionOf(at: Exclude<Expr, number>): number {
  return 'd' in at ? at.d : (at[1] as { readonly d: number }).d;
}
