import type { Constraint } from '../ir/constraint.js';
import type { Machine } from '../ir/machine.js';
import type { Objective } from './objective.js';

/** What every stage is given beside its input. A plugin's own options come by its constructor (`@inject(PluginOptions)`). */
export interface Context {
  readonly machine: Machine;
  readonly constraints: readonly Constraint[];
  readonly objective: Objective;
  /** Uniform in [0, 1); seeded, so that the same input gives the same plan on every run and machine. */
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly progress: (done: number, of: number, what: string) => void;
}

export type Now<T> = T | Promise<T>;
