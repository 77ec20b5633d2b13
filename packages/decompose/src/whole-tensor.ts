import { type Context, type Decomposer, type Grain, noOptions, type Program, wholeTensorGrain } from '@regrain/core-ir';
import { injectable } from 'inversify';

export const wholeTensorOptions = noOptions;

/** One region per tensor, one task per operation: what every other compiler plans by, and the baseline of every comparison. */
@injectable()
export class WholeTensorDecomposer implements Decomposer {
  decompose(program: Program, _context: Context): Grain {
    return wholeTensorGrain(program);
  }
}
