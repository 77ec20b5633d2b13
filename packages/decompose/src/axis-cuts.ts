/** Intervals that instructions access along one axis, one entry each. */
export interface AxisAccesses {
  readonly lo: number[];
  readonly hi: number[];
  /** The instruction, ascending. */
  readonly at: number[];
  /** 1: a write or an accumulate. */
  readonly writes: number[];
}

export interface MergeOptions {
  readonly regionCost: number;
  readonly locality: number;
  readonly maxSlabs: number;
}

/**
 * The cuts that are worth keeping. A cut has a price of `regionCost` look-ups per access that crosses it (the instruction then touches two
 * regions) and saves false dependences: each access that ends at it would otherwise share a region with those on the other side that
 * lie within `locality` instructions, if either writes. The cheapest cuts go first until all that remain pay, and there are few enough.
 */
export function cutsOf(extent: number, accesses: AxisAccesses, options: MergeOptions): number[] {
  const { lo, hi } = accesses;
  const bounds = [...new Set([...lo, ...hi])].filter((cut) => cut > 0 && cut < extent).sort((a, b) => a - b);
  if (bounds.length === 0) return [];
  const crossing = crossings(bounds, accesses);
  const saved = savings(bounds, accesses, options.locality);
  const worth = bounds.map((cut, k) => ({ cut, gain: saved[k] - options.regionCost - crossing[k] }));
  const paying = worth.filter(({ gain }) => gain > 0);
  const kept =
    paying.length < options.maxSlabs ? paying : paying.toSorted((a, b) => b.gain - a.gain || a.cut - b.cut).slice(0, options.maxSlabs - 1);
  return kept.map(({ cut }) => cut).sort((a, b) => a - b);
}

/** Accesses that a cut goes through. */
function crossings(bounds: readonly number[], { lo, hi }: AxisAccesses): Float64Array {
  const change = new Float64Array(bounds.length + 1);
  for (let k = 0; k < lo.length; k++) {
    const from = firstAbove(bounds, lo[k]);
    const to = firstAtLeast(bounds, hi[k]);
    if (from < to) {
      change[from]++;
      change[to]--;
    }
  }
  const count = new Float64Array(bounds.length);
  let inside = 0;
  for (let k = 0; k < bounds.length; k++) count[k] = inside += change[k];
  return count;
}

/** Pairs on the two sides of each cut, near in program order, one of which writes: false dependences without the cut. */
function savings(bounds: readonly number[], { lo, hi, at, writes }: AxisAccesses, locality: number): Float64Array {
  const left: number[][] = bounds.map(() => []);
  const right: number[][] = bounds.map(() => []);
  for (let k = 0; k < lo.length; k++) {
    const ends = firstAtLeast(bounds, hi[k]);
    if (bounds[ends] === hi[k]) left[ends].push(k);
    const starts = firstAtLeast(bounds, lo[k]);
    if (bounds[starts] === lo[k]) right[starts].push(k);
  }
  return Float64Array.from(bounds, (_, cut) => {
    let pairs = 0;
    let from = 0;
    for (const a of left[cut]) {
      while (from < right[cut].length && at[right[cut][from]] < at[a] - locality) from++;
      for (let k = from; k < right[cut].length && at[right[cut][k]] <= at[a] + locality && pairs < 1e6; k++) {
        if (at[a] !== at[right[cut][k]] && (writes[a] || writes[right[cut][k]])) pairs++;
      }
    }
    return pairs;
  });
}

function firstAtLeast(sorted: readonly number[], value: number): number {
  let lo = 0;
  let hi = sorted.length;
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (sorted[mid] < value) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}

function firstAbove(sorted: readonly number[], value: number): number {
  return firstAtLeast(sorted, value + 1);
}
