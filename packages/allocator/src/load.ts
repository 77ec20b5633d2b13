import type { Packing } from '@regrain/core-ir';
import { ascending } from './ascending.js';
import { type Group, groupsOf } from './groups.js';

export interface Load {
  /** The most bytes that live at once: no packing is lower. */
  readonly bytes: number;
  /** When. */
  readonly at: number;
}

/** Live bytes over time; buffers tied together count once where they live at the same time. O(n log n). */
export function loadOf(groups: readonly Group[]): Load {
  return loadOfSpans(
    groups.some(({ pieces }) => pieces.length > 1)
      ? groups.flatMap((group): readonly Span[] => (group.pieces.length === 1 ? [group] : disjoint(group)))
      : groups,
  );
}

/** The same of spans of time: all that a single buffer lives, or what tied ones take together. */
export function loadOfSpans(spans: readonly Span[]): Load {
  let from = Number.POSITIVE_INFINITY;
  let to = Number.NEGATIVE_INFINITY;
  let whole = true;
  for (const { first, last } of spans) {
    if (first < from) from = first;
    if (last > to) to = last;
    if (!Number.isInteger(first) || !Number.isInteger(last)) whole = false;
  }
  if (spans.length === 0) return { bytes: 0, at: 0 };
  return whole && to - from < SPARSE * spans.length ? overTimes(spans, from, to) : overEvents(spans);
}

/** Spans that are spread over more than so many times their number are looked at by their ends, others time by time. */
const SPARSE = 8;

function overTimes(spans: readonly Span[], from: number, to: number): Load {
  const change = new Float64Array(to - from + 2);
  for (const { first, last, bytes } of spans) {
    change[first - from] += bytes;
    change[last + 1 - from] -= bytes;
  }
  let live = 0;
  let most: Load = { bytes: 0, at: 0 };
  for (let time = 0; time < change.length; time++) {
    live += change[time];
    if (live > most.bytes) most = { bytes: live, at: time + from };
  }
  return most;
}

function overEvents(spans: readonly Span[]): Load {
  const count = spans.length;
  // What ends at a time is gone before anything begins.
  const keys = new Float64Array(2 * count);
  for (let k = 0; k < count; k++) {
    const { first, last, bytes } = spans[k];
    keys[2 * k] = 2 * first + (bytes > 0 ? 1 : 0);
    keys[2 * k + 1] = 2 * (last + 1);
  }
  let live = 0;
  let most: Load = { bytes: 0, at: 0 };
  for (const k of ascending(keys)) {
    const span = spans[k >> 1];
    live += k & 1 ? -span.bytes : span.bytes;
    if (live > most.bytes) most = { bytes: live, at: k & 1 ? span.last + 1 : span.first };
  }
  return most;
}

interface Span {
  readonly first: number;
  readonly last: number;
  readonly bytes: number;
}

/** The pieces of a group as spans of time with the largest piece that lives then. */
function disjoint({ pieces }: Group): Span[] {
  const cuts = [...new Set(pieces.flatMap(({ first, last }) => [first, last + 1]))].sort((a, b) => a - b);
  return cuts.slice(1).map((end, k) => {
    const first = cuts[k];
    const bytes = pieces.reduce((most, piece) => (piece.first <= first && end - 1 <= piece.last ? Math.max(most, piece.bytes) : most), 0);
    return { first, last: end - 1, bytes };
  });
}

/** The most bytes that live at once: a lower bound of every packing's height. */
export function loadBound(packing: Packing): number {
  return loadOf(groupsOf(packing)).bytes;
}
