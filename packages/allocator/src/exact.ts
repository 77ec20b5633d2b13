import { type Allocator, type Context, type Packed, type Packing, PluginOptions } from '@regrain/core-ir';
import { inject, injectable } from 'inversify';
import { z } from 'zod';
import { sideBySide } from './adjacency/side-by-side.js';
import { ALL_ORDERS, bestOfOrders, firstThatFits } from './best-fit.js';
import { componentsOf } from './exact/components.js';
import { itemsOf } from './exact/items.js';
import { fit, minimise } from './exact/lower.js';
import { Part } from './exact/part.js';
import type { Budget } from './exact/portfolio.js';
import { type Group, groupsOf } from './groups.js';
import { type Load, loadOf } from './load.js';
import { tooHigh } from './outcome.js';
import { type Placed, placeInOrder } from './place.js';
import { HUGE, MANY } from './sweep.js';

export const exactOptions = z.strictObject({
  nodes: z.number().int().min(0).default(500_000).describe('nodes to search, at most; the best placement so far is given then'),
  seconds: z.number().positive().default(30).describe('time to search, at most; the result depends on the machine where this ends it'),
});

/**
 * Starts from `best-fit` and searches for what is lower: a placement within the capacity, or the lowest one where there is no capacity.
 * Branch and bound over canonical placements (Moffitt, MiniMalloc: A Lightweight Memory Allocator for Hardware-Accelerated Machine
 * Learning, ASPLOS 2023), several orders in turn. Proves that a placement is the lowest, or that there is none, where the search ends
 * before its budget. Exponential at worst; a node costs O(items that are left × sections that they live in).
 */
@injectable()
export class ExactAllocator implements Allocator {
  constructor(@inject(PluginOptions) private readonly options: z.infer<typeof exactOptions>) {}

  place(packing: Packing, context: Context): Packed {
    const groups = groupsOf(packing);
    const load = loadOf(groups);
    if (load.bytes > packing.capacity) return tooHigh(packing, load, load.bytes, true);
    const found =
      packing.capacity === Number.POSITIVE_INFINITY
        ? this.lowest(packing, groups, load, context)
        : this.within(packing, groups, load, context);
    if (!found.ok) return found;
    const { offsets, height } = sideBySide(packing, groups, found, context);
    return { ok: true, offsets, height, optimal: found.optimal && height === found.height };
  }

  /** As low as the budget allows. */
  private lowest(packing: Packing, groups: readonly Group[], load: Load, context: Context): Packed {
    const bound = Math.max(load.bytes, highestFixed(groups));
    const start = bestOfOrders(packing, groups, load.bytes, ALL_ORDERS, context);
    if (start.height === bound || groups.length > HUGE) return { ok: true, ...start, optimal: start.height === bound };
    const { items, faithful } = itemsOf(groups);
    const begin = groups.map(({ pieces }) => start.offsets[pieces[0].buffer] - pieces[0].at);
    const parts = componentsOf(items).map((members) => new Part(members, items, begin));
    const budget = this.budget(context);
    const { height, lowest } = minimise(parts, bound, budget);
    budget.over();
    return { ok: true, offsets: offsetsOf(packing, groups, parts), height, optimal: height === bound || (faithful && lowest >= height) };
  }

  /** Any placement that fits. */
  private within(packing: Packing, groups: readonly Group[], load: Load, context: Context): Packed {
    const { capacity } = packing;
    const bound = Math.max(load.bytes, highestFixed(groups));
    const quick = groups.length > MANY ? bestOfOrders(packing, groups, capacity, ALL_ORDERS, context) : firstInTime(packing, groups);
    if (quick && quick.height <= capacity) return { ok: true, ...quick, optimal: quick.height === bound };
    if (quick && groups.length > HUGE) return tooHigh(packing, load, quick.height, false);
    const { items, faithful } = itemsOf(groups);
    const parts = componentsOf(items).map((members) => new Part(members, items));
    const budget = this.budget(context);
    const { height, lowest } = fit(parts, bound, capacity, budget);
    budget.over();
    if (height <= capacity) return { ok: true, offsets: offsetsOf(packing, groups, parts), height, optimal: height === bound };
    const other = quick ?? bestOfOrders(packing, groups, capacity, ALL_ORDERS, context);
    return tooHigh(packing, load, other.height, faithful && lowest > capacity);
  }

  private budget({ signal, progress }: Context): Budget {
    const { nodes, seconds } = this.options;
    const end = performance.now() + seconds * 1000;
    return {
      nodes,
      over() {
        signal.throwIfAborted();
        progress(nodes - this.nodes, nodes, 'nodes');
        return performance.now() > end;
      },
    };
  }
}

/** What fits in order of time, or in the first of the list orders that does. */
function firstInTime(packing: Packing, groups: readonly Group[]): Placed | undefined {
  const inTime = groups.toSorted((a, b) => a.first - b.first || b.last - a.last);
  return placeInOrder(packing, groups, inTime, 'lowest', packing.capacity + 1) ?? firstThatFits(packing, groups);
}

function highestFixed(groups: readonly Group[]): number {
  return groups.reduce((most, { fixed, bytes }) => (fixed === undefined ? most : Math.max(most, fixed + bytes)), 0);
}

/** Buffers of no bytes lie at 0, or where they are given. */
function offsetsOf({ buffers }: Packing, groups: readonly Group[], parts: readonly Part[]): Float64Array {
  const at = Float64Array.from(groups, ({ fixed }) => fixed ?? 0);
  for (const part of parts) part.write(at);
  const offsets = new Float64Array(buffers.length);
  groups.forEach(({ pieces }, g) => {
    for (const piece of pieces) offsets[piece.buffer] = at[g] + piece.at;
  });
  return offsets;
}
