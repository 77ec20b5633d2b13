import type { Loaded } from '../extension-points/frontend.js';
import type { PlanFault } from '../extension-points/verifier.js';
import type { Constraint, InputAccess } from '../ir/constraint.js';
import type { Dependences } from '../ir/dependences.js';
import type { Observations } from '../ir/observations.js';
import type { Plan } from '../ir/plan.js';

/** A contribution by id, with options where they differ from its defaults. */
export type Choice = string | { readonly id: string; readonly options?: Readonly<Record<string, unknown>> };

/** Which plugin does each stage. Of a list, all run and the best result by the objective is kept. */
export interface PipelineConfig {
  readonly decompose: Choice | readonly Choice[];
  readonly analyze: Choice;
  readonly schedule: Choice | readonly Choice[];
  readonly move: Choice;
  readonly allocate: Choice | readonly Choice[];
  /** Absent: no loop. */
  readonly adjust?: Choice;
  /** Rounds of the loop at most. */
  readonly iterations: number;
}

export interface CompileOptions {
  readonly pipeline: PipelineConfig;
  readonly target: Choice;
  readonly objective: Choice;
  readonly constraints: readonly Constraint[];
  /** How inputs are counted where no `input` constraint says otherwise. */
  readonly input: InputAccess;
  readonly seed: number;
  readonly signal?: AbortSignal;
  readonly progress?: (event: ProgressEvent) => void;
}

export interface ProgressEvent {
  readonly stage: string;
  readonly plugin: string;
  readonly done: number;
  readonly of: number;
  readonly what: string;
}

/** One planned candidate: the plan and what came with it. */
export interface Compiled {
  readonly plan: Plan;
  readonly dependences: Dependences;
  readonly seen: Observations;
  /** Ids of the plugins that made it, by stage. */
  readonly made: Readonly<Record<string, string>>;
}

export interface CompileResult extends Compiled {
  readonly loaded: Loaded;
  /** The best plan by whole tensors; the answer is never worse. */
  readonly baseline: Compiled;
  /** Of the independent verifier; empty, or the compile has failed. */
  readonly faults: readonly PlanFault[];
  readonly iterations: number;
  /** Edits kept. */
  readonly edits: number;
  readonly elapsedMs: Readonly<Record<string, number>>;
}
