import { type Allocator, noOptions, type Packed, type Packing } from '@regrain/core-ir';
import { injectable } from 'inversify';
import { packWith } from './outcome.js';
import { type Placed, placeInOrder } from './place.js';

export const firstFitOptions = noOptions;

/** In order of time, each buffer at the lowest free offset: what a run-time allocator would do (Knuth, TAOCP vol. 1, section 2.5). */
@injectable()
export class FirstFitAllocator implements Allocator {
  place(packing: Packing): Packed {
    return packWith(packing, (groups) => {
      const order = groups.toSorted((a, b) => a.first - b.first || b.bytes - a.bytes);
      return placeInOrder(packing, groups, order, 'lowest', Number.POSITIVE_INFINITY) as Placed;
    });
  }
}
