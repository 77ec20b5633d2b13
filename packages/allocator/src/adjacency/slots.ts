/** Sums over the multiples of an alignment up to a highest offset: of intervals in which something lies in the way. */
export class Slots {
  private sum = new Float64Array(0);
  private never = new Int32Array(0);

  /** Empty, for so many slots. */
  reset(slots: number): void {
    if (this.sum.length <= slots) {
      this.sum = new Float64Array(2 * slots + 2);
      this.never = new Int32Array(2 * slots + 2);
    } else {
      this.sum.fill(0, 0, slots + 1);
      this.never.fill(0, 0, slots + 1);
    }
  }

  /** Adds a weight, that may be infinite, to slots `from … to - 1`. */
  add(from: number, to: number, weight: number): void {
    if (weight === Number.POSITIVE_INFINITY) {
      this.never[from]++;
      this.never[to]--;
    } else {
      this.sum[from] += weight;
      this.sum[to] -= weight;
    }
  }

  /** The first slot whose sum less its gain is the least; -1 where all are infinite. */
  least(slots: number, gain: ReadonlyMap<number, number>): number {
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    let sum = 0;
    let never = 0;
    const possible = gain.size > 0;
    for (let slot = 0; slot < slots; slot++) {
      sum += this.sum[slot];
      never += this.never[slot];
      if (never > 0) continue;
      const cost = possible ? sum - (gain.get(slot) ?? 0) : sum;
      if (cost < least) {
        least = cost;
        best = slot;
      }
    }
    return best;
  }
}
