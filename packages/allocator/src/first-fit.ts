import { type Allocator, noOptions, type Packed, type Packing } from '@regrain/core-ir';
import { injectable } from 'inversify';
import { packWith } from './outcome.js';
import { IN_TIME, type Placed, placeInOrder } from './place.js';

export const firstFitOptions = noOptions;

/** In order of time, each buffer at the lowest free offset: what a run-time allocator would do (Knuth, TAOCP vol. 1, section 2.5). */
@injectable()
export class FirstFitAllocator implements Allocator {
  place(packing: Packing): Packed {
    return packWith(
      packing,
      (groups) => placeInOrder(packing, groups, groups.toSorted(IN_TIME), 'lowest', Number.POSITIVE_INFINITY) as Placed,
    );
  }
}
