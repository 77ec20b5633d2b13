import type { Machine } from '../ir/machine.js';
import type { Metrics } from '../ir/plan.js';

/** What a pipeline minimises; an infeasible plan is never scored. */
export interface Objective {
  /** Smaller is better. */
  score(metrics: Metrics, machine: Machine): number;
}
export const Objective = Symbol.for('regrain.Objective');
