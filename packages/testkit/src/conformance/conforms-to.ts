import { Allocator, Decomposer, DependenceAnalyzer, Mover, RegrainError, Scheduler } from '@regrain/core-ir';
import { describe } from 'vitest';
import { allocatorSuite } from './allocator.js';
import { decomposerSuite } from './decomposer.js';
import { dependenceAnalyzerSuite } from './dependence-analyzer.js';
import { moverSuite } from './mover.js';
import { schedulerSuite } from './scheduler.js';

/** What each extension point's plugin is; `never` where the kit has no suite. */
export type Subject<P extends symbol> = P extends typeof Scheduler
  ? Scheduler
  : P extends typeof Allocator
    ? Allocator
    : P extends typeof DependenceAnalyzer
      ? DependenceAnalyzer
      : P extends typeof Decomposer
        ? Decomposer
        : P extends typeof Mover
          ? Mover
          : object;

const SUITES = new Map<symbol, (make: () => never) => void>([
  [Scheduler, schedulerSuite],
  [Allocator, allocatorSuite],
  [DependenceAnalyzer, dependenceAnalyzerSuite],
  [Decomposer, decomposerSuite],
  [Mover, moverSuite],
]);

/**
 * Registers vitest tests of what every plugin of an extension point must do: `conformsTo(Scheduler, () => new Mine())`. `make` is
 * called once per example, so a plugin cannot lean on an earlier call. Points: Decomposer, DependenceAnalyzer, Scheduler, Mover,
 * Allocator; any other is an error.
 */
export function conformsTo<P extends symbol>(point: P, make: () => Subject<P>): void {
  const suite = SUITES.get(point);
  if (!suite) throw new RegrainError('unsupported', `there is no conformance suite for ${point.description ?? 'this point'}`);
  describe(`conforms to ${point.description ?? 'its point'}`, () => suite(make as () => never));
}
