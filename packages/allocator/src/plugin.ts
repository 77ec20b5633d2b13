import { Allocator, definePlugin, Mover } from '@regrain/core-ir';
import { BestFitAllocator, bestFitOptions } from './best-fit.js';
import { ExactAllocator, exactOptions } from './exact.js';
import { FirstFitAllocator, firstFitOptions } from './first-fit.js';
import { FurthestNextUseMover, furthestNextUseOptions } from './furthest-next-use.js';
import { GreedyBySizeAllocator, greedyBySizeOptions } from './greedy-by-size.js';
import { HillClimbAllocator, hillClimbOptions } from './hill-climb.js';
import { OneSpaceMover, oneSpaceOptions } from './one-space.js';
import { SqueakyWheelAllocator, squeakyWheelOptions } from './squeaky-wheel.js';

export const plugin = definePlugin({
  name: '@regrain/allocator',
  version: '0.1.0',
  bindings: [
    {
      point: Mover,
      id: 'one-space',
      description: 'Everything stays in one space from its first to its last use.',
      use: OneSpaceMover,
      options: oneSpaceOptions,
    },
    {
      point: Mover,
      id: 'furthest-next-use',
      description: 'What is needed last leaves a full space first, and comes back in time.',
      use: FurthestNextUseMover,
      options: furthestNextUseOptions,
    },
    {
      point: Allocator,
      id: 'first-fit',
      description: 'In order of time, at the lowest free offset.',
      use: FirstFitAllocator,
      options: firstFitOptions,
    },
    {
      point: Allocator,
      id: 'greedy-by-size',
      description: 'Largest first, into the smallest gap.',
      use: GreedyBySizeAllocator,
      options: greedyBySizeOptions,
    },
    {
      point: Allocator,
      id: 'best-fit',
      description: 'The best of several orders; co-accessed regions side by side where that is free.',
      use: BestFitAllocator,
      options: bestFitOptions,
      space: { orders: [1, 4, 8] },
    },
    {
      point: Allocator,
      id: 'hill-climb',
      description: 'Swaps in the order of placement, by chance, as long as they lower the height.',
      use: HillClimbAllocator,
      options: hillClimbOptions,
      space: { iterations: [100, 500, 2000] },
    },
    {
      point: Allocator,
      id: 'squeaky-wheel',
      description: 'Places again and again, what came to lie highest earlier each time.',
      use: SqueakyWheelAllocator,
      options: squeakyWheelOptions,
      space: { rounds: [20, 80, 320] },
    },
    {
      point: Allocator,
      id: 'exact',
      description: 'Branch and bound from the best of the list orders on: the lowest placement, or a proof that there is none.',
      use: ExactAllocator,
      options: exactOptions,
    },
  ],
});
