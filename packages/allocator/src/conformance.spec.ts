import { Allocator, Mover } from '@regrain/core-ir';
import { conformsTo } from '@regrain/testkit/conformance';
import { BestFitAllocator } from './best-fit.js';
import { ExactAllocator } from './exact.js';
import { FirstFitAllocator } from './first-fit.js';
import { FurthestNextUseMover } from './furthest-next-use.js';
import { GreedyBySizeAllocator } from './greedy-by-size.js';
import { HillClimbAllocator } from './hill-climb.js';
import { OneSpaceMover } from './one-space.js';
import { SqueakyWheelAllocator } from './squeaky-wheel.js';

conformsTo(Allocator, () => new FirstFitAllocator());
conformsTo(Allocator, () => new GreedyBySizeAllocator());
conformsTo(Allocator, () => new BestFitAllocator({ orders: 8 }));
conformsTo(Allocator, () => new ExactAllocator({ nodes: 20_000, seconds: 60 }));
conformsTo(Allocator, () => new HillClimbAllocator({ iterations: 50, temperature: 0.02 }));
conformsTo(Allocator, () => new SqueakyWheelAllocator({ rounds: 20 }));
conformsTo(Mover, () => new OneSpaceMover());
conformsTo(Mover, () => new FurthestNextUseMover());
