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
 * Stack distances (Mattson, Gecsei, Slutz & Traiger 1970) in bytes, over a tree of the last accesses (Bennett & Kruskal 1975):
 * O(n log n) for n accesses, and less where what is reused was used not long ago. A task that touches a region several times counts
 * once; within a task, what it touches comes in the order of its list.
 */
export function reuseDistance(touched: Touched, bytes: ArrayLike<number>, order: ArrayLike<number>): ReuseDistance {
  return new ReuseMeter(touched, bytes).of(order);
}

/** The same for one order after another: the tables are made once. */
export class ReuseMeter {
  private readonly tree: SumTree;
  private readonly last: Int32Array;

  constructor(
    private readonly touched: Touched,
    private readonly bytes: ArrayLike<number>,
  ) {
    this.tree = new SumTree(touched.region.length, sumOf(bytes));
    this.last = new Int32Array(bytes.length);
  }

  of(order: ArrayLike<number>): ReuseDistance {
    const { tree, last, bytes } = this;
    const { row, region } = this.touched;
    tree.clear();
    last.fill(-1);
    const counts = new Float64Array(64);
    let total = 0;
    let reuses = 0;
    let now = 0;
    for (let position = 0; position < order.length; position++) {
      const task = order[position];
      for (let e = row[task]; e < row[task + 1]; e++, now++) {
        const r = region[e];
        if (last[r] >= 0) {
          // The latest access of every region counts once: those after this region's last one, and itself.
          const distance = tree.between(last[r] + 1, now) + bytes[r];
          total += distance;
          reuses++;
          counts[distance <= 1 ? 0 : Math.ceil(Math.log2(distance))]++;
          tree.add(last[r], -bytes[r]);
        }
        tree.add(now, bytes[r]);
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
}

const BITS = 4;
/** Of a whole number in 32 bits. */
const GREATEST = 2 ** 31 - 1;

function sumOf(bytes: ArrayLike<number>): number {
  let sum = 0;
  for (let r = 0; r < bytes.length; r++) sum += bytes[r];
  return sum;
}

/** Numbers and the sums of every sixteen, of every sixteen of these, and so on: a sum over few neighbours looks at few. */
class SumTree {
  private readonly levels: (Int32Array | Float64Array)[] = [];

  /** `most`: no sum is greater. */
  constructor(size: number, most: number) {
    for (let count = size; ; count = Math.ceil(count / (1 << BITS))) {
      this.levels.push(most <= GREATEST ? new Int32Array(count) : new Float64Array(count));
      if (count <= 1) return;
    }
  }

  clear(): void {
    for (const level of this.levels) level.fill(0);
  }

  add(at: number, value: number): void {
    for (const level of this.levels) {
      level[at] += value;
      at >>= BITS;
    }
  }

  /** Sum of those from `from` up to `to`, which is not included. */
  between(from: number, to: number): number {
    let sum = 0;
    for (let k = 0; from < to; k++) {
      const level = this.levels[k];
      const end = Math.min(to, ((from - 1) | ((1 << BITS) - 1)) + 1);
      for (; from < end; from++) sum += level[from];
      const begin = Math.max(from, (to >> BITS) << BITS);
      for (; to > begin; ) sum += level[--to];
      from >>= BITS;
      to >>= BITS;
    }
    return sum;
  }
}
