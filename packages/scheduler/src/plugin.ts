import { definePlugin, Scheduler } from '@regrain/core-ir';
import { CriticalPathScheduler, criticalPathOptions } from './critical-path.js';
import { LocalityScheduler, localityOptions } from './locality.js';
import { MinPeakScheduler, minPeakOptions } from './min-peak.js';
import { ProgramOrderScheduler, programOrderOptions } from './program-order.js';

export const plugin = definePlugin({
  name: '@regrain/scheduler',
  version: '0.1.0',
  bindings: [
    {
      point: Scheduler,
      id: 'program-order',
      description: 'As the program stands, operation by operation.',
      use: ProgramOrderScheduler,
      options: programOrderOptions,
    },
    {
      point: Scheduler,
      id: 'critical-path',
      description: 'Shortest time on several engines (HEFT).',
      use: CriticalPathScheduler,
      options: criticalPathOptions,
    },
    {
      point: Scheduler,
      id: 'min-peak',
      description: 'Fewest live bytes: streamed segments between stored boundaries.',
      use: MinPeakScheduler,
      options: minPeakOptions,
      space: { maxCuts: [0, 20, 40, 80] },
    },
    {
      point: Scheduler,
      id: 'locality',
      description: 'Most reuse of regions that were touched lately.',
      use: LocalityScheduler,
      options: localityOptions,
      space: { window: [4, 16, 64] },
    },
  ],
});
