import { definePlugin, Scheduler } from '@regrain/core-ir';
import { AnnealScheduler, annealOptions } from './anneal.js';
import { BeamScheduler, beamOptions } from './beam.js';
import { CriticalPathScheduler, criticalPathOptions } from './critical-path.js';
import { ExactScheduler, exactOptions } from './exact.js';
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
      id: 'beam',
      description: 'Fewest live bytes: beam search from min-peak on.',
      use: BeamScheduler,
      options: beamOptions,
      space: { width: [8, 32, 128] },
    },
    {
      point: Scheduler,
      id: 'anneal',
      description: 'Fewest live bytes: annealing and exact search of stretches, from min-peak on.',
      use: AnnealScheduler,
      options: annealOptions,
      space: { moves: [5000, 20000, 80000], window: [0, 12, 20] },
    },
    {
      point: Scheduler,
      id: 'exact',
      description: 'Fewest live bytes with a proof, as far as the budget goes: dynamic programming over sets of tasks.',
      use: ExactScheduler,
      options: exactOptions,
      space: { states: [1000, 10000, 100000] },
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
