/** Which regions each task touches, and how large they are. */
interface Touched {
  readonly row: Int32Array;
  readonly region: Int32Array;
}

/**
 * How far apart in memory the uses of regions are. The distance of an access is the bytes of all distinct regions that were touched
 * since the last access of the same region by an earlier task, its own included: what a memory must hold, replacing what was used
 * longest ago, so that the access finds the region there.
 */
export interface ReuseDistance {
  /** Accesses of a region that an earlier task touched. */
  readonly reuses: number;
  /** First accesses: nothing is reused. */
  readonly first: number;
  /** Over the reuses; 0 where there are none. */
  readonly meanBytes: number;
  /** Reuses by distance: of entry k those of at most `upTo` bytes and more than the entry before has; powers of two, empty ones left out. */
  readonly histogram: readonly { readonly upTo: number; readonly reuses: number }[];
}

/**
 * Stack distances (Mattson, Gecsei, Slutz & Traiger 1970) in bytes, over a binary indexed tree of the last accesses (Bennett & Kruskal
 * 1975; Fenwick 1994): O(n log n) for n accesses. A task that touches a region several times counts once; within a task, what it
 * touches comes in the order of its list.
 */
export function reuseDistance({ row, region }: Touched, bytes: ArrayLike<number>, order: ArrayLike<number>): ReuseDistance {
  const accesses = region.length;
  const tree = new Float64Array(accesses + 1);
  const add = (at: number, value: number): void => {
    for (let k = at + 1; k <= accesses; k += k & -k) tree[k] += value;
  };
  const upTo = (at: number): number => {
    let sum = 0;
    for (let k = at + 1; k > 0; k &= k - 1) sum += tree[k];
    return sum;
  };
  const last = new Int32Array(bytes.length).fill(-1);
  const counts = new Float64Array(64);
  let held = 0;
  let total = 0;
  let reuses = 0;
  let now = 0;
  for (let position = 0; position < order.length; position++) {
    const task = order[position];
    for (let e = row[task]; e < row[task + 1]; e++, now++) {
      const r = region[e];
      if (last[r] < 0) held += bytes[r];
      else {
        // The latest access of every region counts once: those after this region's last one, and itself.
        const distance = held - upTo(last[r]) + bytes[r];
        total += distance;
        reuses++;
        counts[distance <= 1 ? 0 : Math.ceil(Math.log2(distance))]++;
        add(last[r], -bytes[r]);
      }
      add(now, bytes[r]);
      last[r] = now;
    }
  }
  return {
    reuses,
    first: now - reuses,
    meanBytes: reuses === 0 ? 0 : total / reuses,
    histogram: Array.from(counts).flatMap((count, k) => (count > 0 ? [{ upTo: 2 ** k, reuses: count }] : [])),
  };
}
