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
import { type Budget, leastPeak } from './search/least-peak.js';

export const exactOptions = z.strictObject({
  states: z.number().int().min(0).default(10_000).describe('sets of tasks to look at, at most; the best order so far is given then'),
  width: z.number().int().min(0).default(16).describe('width of the beam search whose order it begins with; 0 for none'),
});

/**
 * The order of fewest live bytes, with a proof: dynamic programming over sets of tasks in order of their peaks, cut where every order
 * passes (Serenity: Ahn et al., MLSys 2020), with safe moves that do not branch. Where the budget ends, the best order so far and the
 * bound that is reached. Exponential at worst.
 */
@injectable()
export class ExactScheduler implements Scheduler {
  constructor(@inject(PluginOptions) private readonly options: z.infer<typeof exactOptions>) {}

  schedule(program: Program, work: Decomposition, needs: Dependences, context: Context): Schedule {
    const { states, width } = this.options;
    const check = (): void => context.signal.throwIfAborted();
    const budget: Budget = {
      states,
      check() {
        check();
        context.progress(states - this.states, states, 'states');
      },
    };
    return searched(program, work, needs, context, (problem, start) => {
      const wide = solveByParts(problem, start, (part, limit, floor) => beamSearch(part, limit, floor, { width, check }));
      if (wide.peak === wide.bound) return wide;
      return solveByParts(problem, wide.order, (part, limit, floor) => leastPeak(part, limit, floor, budget));
    });
  }
}
