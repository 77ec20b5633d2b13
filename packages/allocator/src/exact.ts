import { type Allocator, type Context, type Packed, type Packing, PluginOptions } from '@regrain/core-ir';
import { inject, injectable } from 'inversify';
import { z } from 'zod';
import { BestFitAllocator } from './best-fit.js';
import { componentsOf } from './exact/components.js';
import { itemsOf } from './exact/items.js';
import { fit, minimise } from './exact/lower.js';
import { Part } from './exact/part.js';
import type { Budget } from './exact/portfolio.js';
import { type Group, groupsOf } from './groups.js';
import { loadOf } from './load.js';
import { tooHigh } from './outcome.js';

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
    const open = packing.capacity === Number.POSITIVE_INFINITY;
    const bound = Math.max(load.bytes, highestFixed(groups));
    const start = listed(packing, context, open ? 6 : 1);
    if (start.height <= (open ? bound : packing.capacity)) return { ...start, optimal: start.height === bound };
    const { items, faithful } = itemsOf(groups);
    const begin = groups.map(({ pieces }) => start.offsets[pieces[0].buffer] - pieces[0].at);
    const parts = componentsOf(items).map((members) => new Part(members, items, begin));
    const budget = this.budget(context);
    const { height, lowest } = open ? minimise(parts, bound, budget) : fit(parts, bound, packing.capacity, budget);
    if (height <= packing.capacity) {
      const offsets = offsetsOf(packing, groups, parts, begin);
      return { ok: true, offsets, height, optimal: height === bound || (faithful && lowest >= height) };
    }
    const other = listed(packing, context, 6);
    if (other.height <= packing.capacity) return { ...other, optimal: other.height === bound };
    return tooHigh(packing, load, Math.min(height, other.height), faithful && lowest > packing.capacity);
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

/** The best of so many list orders, whatever the capacity. */
function listed(packing: Packing, context: Context, orders: number): Packed & { readonly ok: true } {
  const packed = new BestFitAllocator({ orders }).place({ ...packing, capacity: Number.POSITIVE_INFINITY }, context);
  return packed as Packed & { readonly ok: true };
}

function highestFixed(groups: readonly Group[]): number {
  return groups.reduce((most, { fixed, bytes }) => (fixed === undefined ? most : Math.max(most, fixed + bytes)), 0);
}

function offsetsOf({ buffers }: Packing, groups: readonly Group[], parts: readonly Part[], begin: readonly number[]): Float64Array {
  const at = Float64Array.from(begin);
  for (const part of parts) part.write(at);
  const offsets = new Float64Array(buffers.length);
  groups.forEach(({ pieces }, g) => {
    for (const piece of pieces) offsets[piece.buffer] = at[g] + piece.at;
  });
  return offsets;
}
