/** Offsets [from, to) in the times [lower, upper), by number. */
export interface Spans {
  readonly lower: ArrayLike<number>;
  readonly upper: ArrayLike<number>;
  readonly from: ArrayLike<number>;
  readonly to: ArrayLike<number>;
}

/**
 * Two that share a time and an offset, the first in time; undefined where there are none. Sweeps over time: what lives lies side by side, so
 * what begins is compared with its neighbours alone. O(n log n), and moving what lives above.
 */
export function clashOf({ lower, upper, from, to }: Spans): readonly [number, number] | undefined {
  const all = Array.from(lower, (_, k) => k).filter((k) => to[k] > from[k]);
  const starting = Int32Array.from(all).sort((a, b) => lower[a] - lower[b]);
  const ending = Int32Array.from(all).sort((a, b) => upper[a] - upper[b]);
  // What lives, by offset.
  const living: number[] = [];
  const position = (offset: number): number => {
    let lo = 0;
    let hi = living.length;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if (from[living[mid]] < offset) lo = mid + 1;
      else hi = mid;
    }
    return lo;
  };
  let ended = 0;
  for (const k of starting) {
    for (; upper[ending[ended]] <= lower[k]; ended++) living.splice(position(from[ending[ended]]), 1);
    const at = position(from[k]);
    if (at > 0 && to[living[at - 1]] > from[k]) return [living[at - 1], k];
    if (at < living.length && from[living[at]] < to[k]) return [living[at], k];
    living.splice(at, 0, k);
  }
  return undefined;
}
