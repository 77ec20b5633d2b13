import { type Allocator, noOptions, type Packed, type Packing } from '@regrain/core-ir';
import { injectable } from 'inversify';
import { packWith } from './outcome.js';
import { type Placed, placeInOrder } from './place.js';

export const greedyBySizeOptions = noOptions;

/** Largest buffers first, each into the smallest gap that fits: the planner of TensorFlow Lite (Pisarchyk and Lee 2020, section 5.2). */
@injectable()
export class GreedyBySizeAllocator implements Allocator {
  place(packing: Packing): Packed {
    return packWith(packing, (groups) => {
      const order = groups.toSorted((a, b) => b.bytes - a.bytes || a.first - b.first);
      return placeInOrder(packing, groups, order, 'tightest', Number.POSITIVE_INFINITY) as Placed;
    });
  }
}
