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

/** Nodes between two looks at the budget, counted so. */
const SLICE = 16_384;

/**
 * One search for each order, in turn, each going on where it stopped, with more nodes in every round. The first to end decides: what one
 * order finds is a placement, what one order exhausts has none.
 */
export class Portfolio {
  private readonly searches: Search[] = [];
  private quota: number;
  /** Nodes that are left of the turn. */
  private left: number;
  private turn = 0;
  private readonly weight: number;

  constructor(
    private readonly sections: Sections,
    private readonly capacity: number,
    private readonly orders: readonly Order[] = ORDERS,
  ) {
    this.quota = FIRST * sections.items + 600;
    this.left = this.quota;
    this.weight = 1 + Math.floor(sections.items / HEAVY);
  }

  /** May be called again with another budget. */
  run(budget: Budget): Solved {
    while (budget.nodes > 0 && !budget.over()) {
      const { order, byTotal } = this.orders[this.turn];
      this.searches[this.turn] ??= new Search(this.sections, sortedBy(this.sections, order), byTotal === true, this.capacity);
      const search = this.searches[this.turn];
      const before = search.nodes;
      const outcome = search.run(Math.min(this.left, Math.ceil(Math.min(budget.nodes, SLICE) / this.weight)));
      const spent = Math.max(1, search.nodes - before);
      budget.nodes -= spent * this.weight;
      this.left -= spent;
      if (outcome === 'found') return { found: search.offsets() };
      if (outcome === 'impossible') return 'impossible';
      if (this.left <= 0) this.next();
    }
    return 'open';
  }

  private next(): void {
    this.turn++;
    if (this.turn === this.orders.length) [this.turn, this.quota] = [0, this.quota * GROWTH];
    this.left = this.quota;
  }
}
