/** Anything that has a price in bytes and one in multiply-accumulates. */
export interface Priced {
  readonly bytes: number;
  readonly macs: number;
  /** Decides between equals; smaller is better. */
  readonly rest?: number;
}

/** Those that no other beats in both, by ascending MACs; of `resolution` MACs only the one of fewest bytes. O(n log n). */
export function paretoSet<T extends Priced>(points: readonly T[], resolution = 0): T[] {
  const sorted = points.toSorted((a, b) => a.macs - b.macs || a.bytes - b.bytes || (a.rest ?? 0) - (b.rest ?? 0));
  const kept: T[] = [];
  for (const point of sorted) {
    const last = kept.at(-1);
    if (last && point.bytes >= last.bytes) continue;
    // Within one step of MACs a better one takes the place of the last, except of the very first: it costs nothing extra.
    if (last && kept.length > 1 && point.macs - kept[kept.length - 2].macs < resolution) kept[kept.length - 1] = point;
    else kept.push(point);
  }
  return kept;
}

/** Steps of multiply-accumulates that `fewestWithin` tells apart. */
const STEPS = 256;

/** The fewest bytes of the points within so many multiply-accumulates, or a little more bytes. O(1) per question. */
export function fewestWithin(points: readonly Priced[], macs: number): (within: number) => number {
  const front = paretoSet(points);
  const step = Math.max(1, macs / STEPS);
  let next = 0;
  let fewest = Number.POSITIVE_INFINITY;
  const table = Array.from({ length: STEPS + 1 }, (_, k) => {
    for (; next < front.length && front[next].macs <= k * step; next++) fewest = front[next].bytes;
    return fewest;
  });
  return (within) => (within < 0 ? Number.POSITIVE_INFINITY : table[Math.min(STEPS, Math.floor(within / step))]);
}
