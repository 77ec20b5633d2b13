import type { Constraint } from './constraint.js';
import type { Decomposition } from './decomposition.js';
import type { Edit } from './grain.js';
import type { Machine } from './machine.js';
import type { Program } from './program.js';

/**
 * A task, or a move of a region from one placement to another, on an engine. `waits` names earlier steps on other engines that must
 * have ended; an engine runs its own steps in order.
 */
export type Step = { readonly engine: number; readonly waits: readonly number[] } & (
  | { readonly kind: 'task'; readonly task: number }
  | { readonly kind: 'move'; readonly from: number; readonly to: number }
);

/**
 * Bytes of a space held from step `first` to step `last`, both included, counted from 1: step i of the array is at time i + 1.
 * `first` 0: before the run (a resident input, state); `last` `steps.length + 1`: after the run (outputs, state). A streamed input's
 * region arrives at `first`. Where a write takes the bytes of what it reads, the two placements share the one step between them.
 */
export interface Placement {
  readonly holds: { readonly region: number } | { readonly scratch: number };
  readonly space: number;
  readonly offset: number;
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

export interface Metrics {
  /** Per space: the most live bytes at any step. */
  readonly peakBytes: readonly number[];
  /** Per space: the highest offset used. */
  readonly arenaBytes: readonly number[];
  readonly movedBytes: number;
  readonly macs: number;
  /** Makespan in the target's unit. */
  readonly cycles: number;
}

/** One round of the loop: which edits were tried, what the adjuster promised, what execution showed (objective scores). */
export interface Trial {
  readonly edits: readonly Edit[];
  readonly predicted: number;
  readonly before: number;
  readonly after: number;
  readonly kept: boolean;
  /** Before and after; the second is missing where no plan fits. Absent from plans of earlier versions. */
  readonly effect?: { readonly before: TrialFigures; readonly after?: TrialFigures };
}

/** What execution showed of one plan in a trial. */
export interface TrialFigures {
  /** Live bytes of the counted spaces at the worst step. */
  readonly peakBytes: number;
  readonly arenaBytes: number;
  readonly macs: number;
  /** Makespan in the target's unit. */
  readonly cycles: number;
}

/** The plugin of a stage, with the options that differ from its defaults. */
export interface Maker {
  readonly id: string;
  readonly options?: Readonly<Record<string, unknown>>;
}

/** Everything for one program on one machine: verified and serialisable. */
export interface Plan {
  readonly format: 'regrain.plan/1';
  readonly program: Program;
  readonly machine: Machine;
  readonly constraints: readonly Constraint[];
  readonly decomposition: Decomposition;
  readonly steps: readonly Step[];
  readonly placements: readonly Placement[];
  readonly metrics: Metrics;
  readonly trials: readonly Trial[];
  /** Which plugins made it, by stage, as they were configured. Absent from plans of earlier versions. */
  readonly made?: Readonly<Record<string, Maker>>;
}
