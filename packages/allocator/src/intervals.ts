/** A set of offsets as half-open intervals that do not touch: their borders, ascending. */
export class Intervals {
  /** Even positions begin an interval, odd ones end it; what lies from `count` on is none of the set. */
  readonly borders: number[] = [];
  count = 0;

  /** Adds [from, to); false where the set held all of it. O(log + borders above). */
  add(from: number, to: number): boolean {
    const { borders, count } = this;
    const lo = this.below(from);
    let hi = lo;
    while (hi < count && borders[hi] <= to) hi++;
    const begins = lo % 2 === 0;
    const ends = hi % 2 === 0;
    if (!begins && !ends && lo === hi) return false;
    // In place of the borders from `lo` to `hi` stand those that are new.
    this.shift(hi, lo + (begins ? 1 : 0) + (ends ? 1 : 0) - hi);
    if (begins) borders[lo] = from;
    if (ends) borders[lo + (begins ? 1 : 0)] = to;
    return true;
  }

  /** Moves the borders from `at` on by so many places: no list is made, as `splice` makes one. */
  private shift(at: number, by: number): void {
    const { borders, count } = this;
    this.count = count + by;
    if (by > 0) {
      // Lists have no holes: what they grow by is filled from the end.
      for (let k = 0; k < by; k++) if (borders.length < count + by) borders.push(0);
      for (let k = count - 1; k >= at; k--) borders[k + by] = borders[k];
    } else if (by < 0) for (let k = at; k < count; k++) borders[k + by] = borders[k];
  }

  /** Whether any of [from, to), which is not empty, is in the set. O(log). */
  meets(from: number, to: number): boolean {
    const { borders, count } = this;
    let lo = 0;
    let hi = count;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if (borders[mid] <= from) lo = mid + 1;
      else hi = mid;
    }
    return lo % 2 === 1 || (lo < count && borders[lo] < to);
  }

  /** How many borders lie below the offset. */
  private below(offset: number): number {
    const { borders } = this;
    let lo = 0;
    let hi = this.count;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if (borders[mid] < offset) lo = mid + 1;
      else hi = mid;
    }
    return lo;
  }
}
