import { type Allocator, type Context, type Packed, type Packing, PluginOptions } from '@regrain/core-ir';
import { inject, injectable } from 'inversify';
import { z } from 'zod';
import { sideBySide } from './adjacency/side-by-side.js';
import { BY_LIVES } from './best-fit.js';
import type { Group } from './groups.js';
import { packWith } from './outcome.js';
import { type Placed, placeInOrder, startOf } from './place.js';
import { squeaked } from './squeeze.js';

export const squeakyWheelOptions = z.strictObject({
  rounds: z.number().int().min(0).default(80).describe('orders to try, at most; fewer of many buffers'),
});

/** Placements of single buffers, at most: bounds the time that many buffers take. */
const PLACEMENTS = 600_000;

/**
 * Squeaky wheel optimisation: what lies in the upper half between the load bound and the lowest height so far is placed earlier in the next
 * round. The lowest placement that was seen. Source: Joslin & Clements, Squeaky Wheel Optimization, JAIR 10 (1999). O(rounds × placing all).
 */
@injectable()
export class SqueakyWheelAllocator implements Allocator {
  constructor(@inject(PluginOptions) private readonly options: z.infer<typeof squeakyWheelOptions>) {}

  place(packing: Packing, context: Context): Packed {
    return packWith(packing, (groups, load) =>
      sideBySide(packing, groups, startOf(packing) ?? this.lowest(packing, groups, load.bytes, context), context),
    );
  }

  private lowest(packing: Packing, groups: readonly Group[], load: number, { signal, progress }: Context): Placed {
    const order = groups.toSorted(BY_LIVES);
    const rounds = Math.min(this.options.rounds, Math.ceil(PLACEMENTS / Math.max(1, groups.length)));
    const each = (round: number): void => {
      signal.throwIfAborted();
      progress(round, rounds, 'orders');
    };
    return squeaked(packing, groups, {
      order,
      fit: 'lowest',
      start: placeInOrder(packing, groups, order, 'lowest', Number.POSITIVE_INFINITY) as Placed,
      work: { left: Number.POSITIVE_INFINITY },
      rounds,
      goal: (height) => (height + load) / 2,
      each,
    });
  }
}
