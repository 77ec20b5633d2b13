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
import { anneal } from './search/annealing.js';
import { solveByParts } from './search/by-parts.js';
import { peakOfProblem } from './search/downset.js';

export const annealOptions = z.strictObject({
  moves: z.number().int().min(0).default(20_000).describe('moves of one task that are tried on each stretch that is searched'),
  window: z
    .number()
    .int()
    .min(0)
    .default(20)
    .describe('tasks around the peak that are ordered anew by exact search now and then; 0 for none'),
});

/**
 * Fewer live bytes than `min-peak` by seeded simulated annealing over the order, with stretches around the peak ordered anew by exact
 * search. Never worse than `min-peak`. O(moves × 50 tasks × regions of each).
 */
@injectable()
export class AnnealScheduler implements Scheduler {
  constructor(@inject(PluginOptions) private readonly options: z.infer<typeof annealOptions>) {}

  schedule(program: Program, work: Decomposition, needs: Dependences, context: Context): Schedule {
    const { random, signal } = context;
    const options = { ...this.options, random, check: (): void => signal.throwIfAborted() };
    return searched(program, work, needs, context, (problem, first) =>
      solveByParts(problem, first, (part, limit, floor) => {
        const order = anneal(
          part,
          Int32Array.from({ length: part.arcs.tasks }, (_, t) => t),
          floor,
          options,
        );
        const peak = peakOfProblem(part, order);
        return peak < limit ? { order: [...order], peak, bound: floor } : { peak: limit, bound: floor };
      }),
    );
  }
}
