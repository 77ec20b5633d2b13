import {
  type Context,
  type Decomposition,
  type Dependences,
  PluginOptions,
  type Program,
  type Schedule,
  type Scheduler,
} from '@regrain/core-ir';
import { inject, injectable } from 'inversify';
import { z } from 'zod';
import { searched } from './found-peak.js';
import { beamSearch } from './search/beam-search.js';
import { solveByParts } from './search/by-parts.js';

export const beamOptions = z.strictObject({
  width: z.number().int().min(1).default(32).describe('sets of tasks that are kept of each size'),
});

/**
 * Fewer live bytes than `min-peak` by beam search: of all sets of k tasks that can run first, the `width` best go on to k + 1. Never
 * worse than `min-peak`. O(tasks × width × (ready tasks + regions)).
 */
@injectable()
export class BeamScheduler implements Scheduler {
  constructor(@inject(PluginOptions) private readonly options: z.infer<typeof beamOptions>) {}

  schedule(program: Program, work: Decomposition, needs: Dependences, context: Context): Schedule {
    const { width } = this.options;
    const check = (): void => context.signal.throwIfAborted();
    return searched(program, work, needs, context, (problem, start) =>
      solveByParts(problem, start, (part, limit, floor) => beamSearch(part, limit, floor, { width, check })),
    );
  }
}
