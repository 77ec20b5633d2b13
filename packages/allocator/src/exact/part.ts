import type { Item } from './items.js';
import { type Budget, Portfolio } from './portfolio.js';
import { type Sections, sectionsOf } from './sections.js';

/** Pairs of items that live together above which a part is left as it is. */
const MANY_PAIRS = 3_000_000;

/** Items that live apart from all others, and the best placement of them so far: at first none, or that which is given. */
export class Part {
  height: number;
  /** No placement is lower; known by proof. */
  lowest = 0;
  private readonly items: readonly Item[];
  private offsets: Float64Array;
  private portfolio: Portfolio | undefined;
  private sections: Sections | undefined | null = null;
  private target = Number.NaN;

  constructor(
    private readonly members: readonly number[],
    all: readonly Item[],
    start?: readonly number[],
  ) {
    this.items = members.map((i) => all[i]);
    this.offsets = Float64Array.from(members, (i) => start?.[i] ?? 0);
    this.height = start ? this.reached() : Number.POSITIVE_INFINITY;
  }

  /** Tries to get down to `target`; goes on with the search where the target is that of the last time. */
  lower(target: number, budget: Budget): 'found' | 'impossible' | 'open' {
    if (this.height <= target) return 'found';
    if (this.lowest > target) return 'impossible';
    if (this.sections === null) this.sections = sectionsOf(this.items, MANY_PAIRS);
    if (!this.sections) return 'open';
    if (!this.portfolio || this.target !== target) this.portfolio = new Portfolio(this.sections, target);
    this.target = target;
    const solved = this.portfolio.run(budget);
    if (solved === 'open') return solved;
    this.portfolio = undefined;
    if (solved === 'impossible') this.lowest = target + 1;
    else {
      this.offsets = solved.found;
      this.height = this.reached();
    }
    return solved === 'impossible' ? solved : 'found';
  }

  /** Puts the members' offsets where they belong among all. */
  write(offsets: Float64Array): void {
    this.members.forEach((i, k) => {
      offsets[i] = this.offsets[k];
    });
  }

  private reached(): number {
    return this.items.reduce((most, { bytes }, k) => Math.max(most, this.offsets[k] + bytes), 0);
  }
}
