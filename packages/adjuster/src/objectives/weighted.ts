import { type Machine, type Metrics, type Objective, PluginOptions } from '@regrain/core-ir';
import { inject, injectable } from 'inversify';
import { z } from 'zod';
import { arenaBytes } from './arena.js';

const weight = z.number().min(0);

export const weightedOptions = z.strictObject({
  arena: weight.default(1).describe('exponent of the arena bytes of counted spaces'),
  cycles: weight.default(0.5).describe('exponent of the makespan'),
  moved: weight.default(0).describe('exponent of the bytes moved between spaces (plus one)'),
  macs: weight.default(0).describe('exponent of the multiply-accumulates, recomputation included'),
});

/**
 * A weighted product of figures: with weights 1 and 0.5 a plan may take 2 % more time for each per cent of arena that it saves. A
 * product needs no scale for its figures.
 */
@injectable()
export class WeightedObjective implements Objective {
  constructor(@inject(PluginOptions) private readonly options: z.output<typeof weightedOptions>) {}

  score(metrics: Metrics, machine: Machine): number {
    const { arena, cycles, moved, macs } = this.options;
    const logarithm =
      arena * Math.log(Math.max(1, arenaBytes(metrics, machine))) +
      cycles * Math.log(Math.max(1, metrics.cycles)) +
      moved * Math.log(1 + metrics.movedBytes) +
      macs * Math.log(Math.max(1, metrics.macs));
    // Overflow of a product of large powers would make all plans equal.
    return Math.exp(Math.min(logarithm, 700));
  }
}
