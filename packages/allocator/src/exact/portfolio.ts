import type { Order } from './orders.js';
import { ORDERS, sortedBy } from './orders.js';
import { Search } from './search.js';
import type { Sections } from './sections.js';

/** What a search may spend. A node of many items counts as several, so that the same budget takes about the same time. */
export interface Budget {
  nodes: number;
  /** Whether to stop for another reason; asked now and then. */
  over(): boolean;
}

export type Solved = { readonly found: Float64Array } | 'impossible' | 'open';

/** Nodes of one turn in the first round, for each item: a good order needs one to four. */
const FIRST = 4;
const GROWTH = 2;

/** Items above which a node counts as one more. */
const HEAVY = 256;

/**
 * One search for each order, in turn, each going on where it stopped, with more nodes in every round. The first to end decides: what one
 * order finds is a placement, what one order exhausts has none.
 */
export class Portfolio {
  private readonly searches: Search[] = [];
  private quota: number;
  private turn = 0;
  private readonly weight: number;

  constructor(
    private readonly sections: Sections,
    private readonly capacity: number,
    private readonly orders: readonly Order[] = ORDERS,
  ) {
    this.quota = FIRST * sections.items + 600;
    this.weight = 1 + Math.floor(sections.items / HEAVY);
  }

  /** May be called again with another budget. */
  run(budget: Budget): Solved {
    while (budget.nodes > 0 && !budget.over()) {
      const { order, byTotal } = this.orders[this.turn];
      this.searches[this.turn] ??= new Search(this.sections, sortedBy(this.sections, order), byTotal === true, this.capacity);
      const search = this.searches[this.turn];
      const before = search.nodes;
      const outcome = search.run(Math.min(this.quota, Math.ceil(budget.nodes / this.weight)));
      budget.nodes -= Math.max(1, search.nodes - before) * this.weight;
      if (outcome === 'found') return { found: search.offsets() };
      if (outcome === 'impossible') return 'impossible';
      this.turn++;
      if (this.turn === this.orders.length) [this.turn, this.quota] = [0, this.quota * GROWTH];
    }
    return 'open';
  }
}
