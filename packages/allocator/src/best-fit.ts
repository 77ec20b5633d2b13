import { type Allocator, type Context, type Packed, type Packing, PluginOptions } from '@regrain/core-ir';
import { inject, injectable } from 'inversify';
import { z } from 'zod';
import { sideBySide } from './adjacency/side-by-side.js';
import type { Group } from './groups.js';
import { loadOfSpans } from './load.js';
import { answerOf, packWith } from './outcome.js';
import { IN_TIME, type Placed, placeInOrder, startOf } from './place.js';
import { squeezed } from './squeeze.js';
import { HUGE, isLoose, MANY, sweep } from './sweep.js';

/** For many buffers, what the orders may look at in sum: some seconds. */
const WORK = 400_000_000;

/** How many orders there are. */
export const ALL_ORDERS = 8;

export const bestFitOptions = z.strictObject({
  orders: z.number().int().min(1).max(ALL_ORDERS).default(3).describe('orders to try, at most; the best height is kept'),
});

type Compare = (a: Group, b: Group) => number;

const life = ({ first, last }: Group): number => last - first;

/** Lives by powers of two: rows of one map, which live alike, stay together. */
const lifeClass = (group: Group): number => Math.floor(Math.log2(life(group) + 1));

/** Long lives first and within a class in order of time: streams of rows and tiles. */
export const BY_LIVES: Compare = (a, b) => lifeClass(b) - lifeClass(a) || a.first - b.first;

/**
 * Orders that do well on different problems, those first that won most often on the reference models: long lives first and within a
 * class in order of time (streams of rows and tiles), the same with large ones first, then the planner of TensorFlow Lite (few buffers of
 * many sizes), then the order of time. Where some buffers are far larger than most, the tightest place keeps the large gaps for them.
 */
const ORDERS: readonly (readonly [Compare, 'lowest' | 'tightest'])[] = [
  [BY_LIVES, 'lowest'],
  [(a, b) => lifeClass(b) - lifeClass(a) || b.bytes - a.bytes || a.first - b.first, 'lowest'],
  [(a, b) => b.bytes - a.bytes || a.first - b.first, 'tightest'],
  [IN_TIME, 'lowest'],
  [BY_LIVES, 'tightest'],
  [(a, b) => a.first - b.first || life(b) - life(a), 'tightest'],
  [(a, b) => b.bytes * (life(b) + 1) - a.bytes * (life(a) + 1) || a.first - b.first, 'lowest'],
  [(a, b) => b.last - a.last || b.bytes - a.bytes, 'lowest'],
];

/**
 * The best of several list orders, each buffer at its lowest or tightest place; stops at the load bound. Then one of that height in which
 * more co-accessed buffers lie one behind the other, if there are wishes. O(orders × n × free gaps × log times), far less than that where little is free.
 */
@injectable()
export class BestFitAllocator implements Allocator {
  constructor(@inject(PluginOptions) private readonly options: z.infer<typeof bestFitOptions>) {}

  place(packing: Packing, context: Context): Packed {
    const { buffers } = packing;
    if (buffers.length > HUGE && !packing.start && isLoose(buffers)) {
      // No list of groups is made of a million buffers: they are only swept.
      const load = loadOfSpans(buffers);
      return answerOf(packing, load, () => sweptBothWays(buffers, load.bytes));
    }
    return packWith(packing, (groups, load) =>
      sideBySide(packing, groups, startOf(packing) ?? bestOfOrders(packing, groups, load.bytes, this.options.orders, context), context),
    );
  }
}

/**
 * The lowest of so many orders, squeezed if it nearly fits; ends at the first that is no higher than `enough`. Many buffers are placed in order of time first, which is
 * quick, and then by the orders as far as the work allows.
 */
export function bestOfOrders(
  packing: Packing,
  groups: readonly Group[],
  enough: number,
  orders: number,
  { signal, progress }: Pick<Context, 'signal' | 'progress'>,
): Placed {
  let best = groups.length > MANY && isLoose(packing.buffers) ? sweptBothWays(packing.buffers, enough) : undefined;
  let by = ORDERS[0];
  const work = { left: groups.length > MANY ? WORK : Number.POSITIVE_INFINITY };
  for (const [k, each] of ORDERS.slice(0, orders).entries()) {
    if (best && (best.height <= enough || work.left < 0 || groups.length > HUGE)) break;
    signal.throwIfAborted();
    // The first must place everything if nothing has yet.
    const allowed = best ? work : undefined;
    const placed = placeInOrder(packing, groups, groups.toSorted(each[0]), each[1], best?.height ?? Number.POSITIVE_INFINITY, allowed);
    progress(k + 1, orders, 'orders');
    if (placed) [best, by] = [placed, each];
  }
  const start = best as Placed;
  if (groups.length > HUGE || start.height <= packing.capacity) return start;
  return squeezed(packing, groups, { order: groups.toSorted(by[0]), fit: by[1], start, work });
}

/** A placement in the first of all orders by which everything fits; each is given up where it passes the capacity. */
export function firstThatFits(packing: Packing, groups: readonly Group[]): Placed | undefined {
  for (const [compare, fit] of ORDERS) {
    const placed = placeInOrder(packing, groups, groups.toSorted(compare), fit, packing.capacity + 1);
    if (placed) return placed;
  }
  return undefined;
}

function sweptBothWays(buffers: Packing['buffers'], enough: number): Placed {
  const forwards = sweep(buffers, true);
  if (forwards.height <= enough) return forwards;
  const backwards = sweep(buffers, false);
  return backwards.height < forwards.height ? backwards : forwards;
}
