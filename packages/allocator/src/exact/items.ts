import type { Group } from '../groups.js';

/** A span of time in which an item holds its lowest `bytes`. */
export interface Span {
  readonly first: number;
  readonly last: number;
  readonly bytes: number;
}

/**
 * What is placed as one: spans of time that all begin at the item's own offset. Every two items that live together lie one above the
 * other, which is what lets the search place them from the bottom up.
 */
export interface Item {
  readonly spans: readonly Span[];
  readonly align: number;
  readonly fixed: number;
  readonly bytes: number;
}

export const FREE = -1;

/** The groups as items, and whether any had to be widened: pieces that lie higher than their group are filled up to its offset. */
export function itemsOf(groups: readonly Group[]): { readonly items: readonly Item[]; readonly faithful: boolean } {
  let faithful = true;
  const items = groups.map(({ pieces, align, fixed, bytes }): Item => {
    const spans = pieces.flatMap(({ first, last, at, bytes: own }) => (own > 0 ? [{ first, last, bytes: at + own }] : []));
    if (pieces.some((piece) => piece.at > 0 && piece.bytes > 0)) faithful = false;
    return { spans: spans.length < 2 ? spans : disjoint(spans), align, fixed: fixed ?? FREE, bytes };
  });
  return { items, faithful };
}

/** The same bytes over time, no two spans at once: the highest counts. O(spans²). */
function disjoint(spans: readonly Span[]): Span[] {
  const cuts = [...new Set(spans.flatMap(({ first, last }) => [first, last + 1]))].sort((a, b) => a - b);
  const parts: Span[] = [];
  for (let k = 0; k + 1 < cuts.length; k++) {
    const [first, end] = [cuts[k], cuts[k + 1]];
    const bytes = spans.reduce((most, span) => (span.first <= first && end - 1 <= span.last ? Math.max(most, span.bytes) : most), 0);
    const before = parts.at(-1);
    if (before && before.bytes === bytes && before.last + 1 === first) parts[parts.length - 1] = { ...before, last: end - 1 };
    else if (bytes > 0) parts.push({ first, last: end - 1, bytes });
  }
  return parts;
}
