import { Adjuster } from '../extension-points/adjuster.js';
import { Allocator } from '../extension-points/allocator.js';
import { Decomposer } from '../extension-points/decomposer.js';
import { DependenceAnalyzer } from '../extension-points/dependence-analyzer.js';
import { Frontend } from '../extension-points/frontend.js';
import { HardwareTarget } from '../extension-points/hardware-target.js';
import { Mover } from '../extension-points/mover.js';
import { Objective } from '../extension-points/objective.js';
import { OperatorSet } from '../extension-points/operator-set.js';
import { Reporter } from '../extension-points/reporter.js';
import { Scheduler } from '../extension-points/scheduler.js';
import { Verifier } from '../extension-points/verifier.js';

/** Every extension point: its token and what a contribution to it is. */
export interface Points {
  [Frontend]: Frontend;
  [OperatorSet]: OperatorSet;
  [Decomposer]: Decomposer;
  [DependenceAnalyzer]: DependenceAnalyzer;
  [Scheduler]: Scheduler;
  [Mover]: Mover;
  [Allocator]: Allocator;
  [Adjuster]: Adjuster;
  [HardwareTarget]: HardwareTarget;
  [Objective]: Objective;
  [Reporter]: Reporter;
  [Verifier]: Verifier;
}
export type Point = keyof Points;

/** In the order of the data's way. */
export const POINTS: readonly Point[] = [
  Frontend,
  OperatorSet,
  Decomposer,
  DependenceAnalyzer,
  Scheduler,
  Mover,
  Allocator,
  Adjuster,
  HardwareTarget,
  Objective,
  Reporter,
  Verifier,
];

/** `Scheduler`, for messages. */
export function pointName(point: symbol): string {
  return (point.description ?? 'an unnamed point').replace(/^regrain\./, '');
}
