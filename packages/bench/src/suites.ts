import { adjacencySuite } from './adjacency.js';
import { allocateSuite } from './allocate.js';
import { boundSuite } from './bound.js';
import { conformanceSuite } from './conformance.js';
import { equalSuite } from './equal.js';
import { executeSuite } from './execute.js';
import { growthSuite } from './growth.js';
import { memorySuite } from './memory.js';
import { movementSuite } from './movement.js';
import { paretoSuite } from './pareto.js';
import { scheduleSuite } from './schedule.js';
import type { Suite } from './suite.js';

/** All suites of `regrain bench`. */
export const suites: readonly Suite[] = [
  memorySuite,
  boundSuite,
  paretoSuite,
  executeSuite,
  equalSuite,
  scheduleSuite,
  growthSuite,
  allocateSuite,
  adjacencySuite,
  movementSuite,
  conformanceSuite,
];
