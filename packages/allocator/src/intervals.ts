/** A set of offsets as half-open intervals that do not touch: their borders, ascending. */
export class Intervals {
  /** Even positions begin an interval, odd ones end it. */
  readonly borders: number[] = [];

  /** Adds [from, to); false where the set held all of it. O(log + borders above). */
  add(from: number, to: number): boolean {
    const { borders } = this;
    const lo = this.below(from);
    let hi = lo;
    while (hi < borders.length && borders[hi] <= to) hi++;
    const begins = lo % 2 === 0;
    const ends = hi % 2 === 0;
    if (begins && ends) {
      if (lo === hi) borders.splice(lo, 0, from, to);
      else {
        borders[lo] = from;
        borders[hi - 1] = to;
        if (hi - lo > 2) borders.splice(lo + 1, hi - lo - 2);
      }
    } else if (begins) {
      borders[lo] = from;
      if (hi - lo > 1) borders.splice(lo + 1, hi - lo - 1);
    } else if (ends) {
      borders[lo] = to;
      if (hi - lo > 1) borders.splice(lo + 1, hi - lo - 1);
    } else if (lo === hi) return false;
    else borders.splice(lo, hi - lo);
    return true;
  }

  /** Whether any of [from, to), which is not empty, is in the set. O(log). */
  meets(from: number, to: number): boolean {
    const { borders } = this;
    let lo = 0;
    let hi = borders.length;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if (borders[mid] <= from) lo = mid + 1;
      else hi = mid;
    }
    return lo % 2 === 1 || (lo < borders.length && borders[lo] < to);
  }

  /** How many borders lie below the offset. */
  private below(offset: number): number {
    const { borders } = this;
    let lo = 0;
    let hi = borders.length;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if (borders[mid] < offset) lo = mid + 1;
      else hi = mid;
    }
    return lo;
  }
}
