import { Adjuster, definePlugin, noOptions, Objective } from '@regrain/core-ir';
import { MovedObjective } from './objectives/moved.js';
import { PeakObjective } from './objectives/peak.js';
import { TimeObjective } from './objectives/time.js';
import { WeightedObjective, weightedOptions } from './objectives/weighted.js';
import { thresholdOptions } from './threshold/options.js';
import { ThresholdAdjuster } from './threshold.js';

export const plugin = definePlugin({
  name: '@regrain/adjuster',
  version: '0.1.0',
  bindings: [
    {
      point: Adjuster,
      id: 'threshold',
      description: 'splits contended regions, merges those used together, and treats little-reused ones by estimated cost',
      use: ThresholdAdjuster,
      options: thresholdOptions,
      space: { lowReusePolicy: ['by-cost', 'split', 'merge'], splitContention: [0.25, 0.5, 1], mergeCoaccess: [0.2, 0.3, 0.5] },
    },
    {
      point: Objective,
      id: 'peak',
      description: 'fewest bytes of arena, then fewest cycles',
      use: PeakObjective,
      options: noOptions,
    },
    {
      point: Objective,
      id: 'moved',
      description: 'fewest bytes moved between spaces, then the smaller arena',
      use: MovedObjective,
      options: noOptions,
    },
    {
      point: Objective,
      id: 'time',
      description: 'shortest makespan, then the smaller arena',
      use: TimeObjective,
      options: noOptions,
    },
    {
      point: Objective,
      id: 'weighted',
      description: 'a weighted product of arena, cycles, moved bytes and multiply-accumulates',
      use: WeightedObjective,
      options: weightedOptions,
      space: { cycles: [0, 0.25, 0.5, 1] },
    },
  ],
});
