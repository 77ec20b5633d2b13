import type { Loaded } from '../extension-points/frontend.js';
import type { PlanFault } from '../extension-points/verifier.js';
import type { Constraint, InputAccess } from '../ir/constraint.js';
import type { Dependences } from '../ir/dependences.js';
import type { Grain } from '../ir/grain.js';
import type { Observations } from '../ir/observations.js';
import type { Metrics, Plan } from '../ir/plan.js';
import type { FoundPeak } from '../ir/schedule.js';
import type { Choice } from '../plugin/choice.js';
import type { LowerBound } from './bound/lower-bound.js';

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
  /**
   * Time for searching, in milliseconds by the session's clock: then the best plan so far is the answer. The first plan that fits, the
   * verification and the accountings are not cut short.
   */
  readonly budgetMs?: number;
  /** How much higher, as a share, the answer may be so that what is read together lies side by side. Absent: no higher; `false`: not asked for. */
  readonly adjacency?: number | false;
  /** Planned in place of what the decomposers of the pipeline would make; `by` is the one that made it. */
  readonly grain?: { readonly grain: Grain; readonly by: Choice };
  /**
   * First plans of which it says no go no further; where none is left, the baseline is the answer, or `infeasible` is thrown. It sees
   * what each takes at least: before placing the arena of its live bytes, and until it has run a cycle for each step.
   */
  readonly worth?: (least: Metrics) => boolean;
  /**
   * No plan is run: it takes no cycles, and nothing is seen of it. For those who compare plans by their bytes and work alone; figures of time
   * count as 0.
   */
  readonly untimed?: boolean;
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
  /** Of a scheduler that searches for fewer live bytes: what it found and proved. */
  readonly found?: FoundPeak;
}

export interface CompileResult extends Compiled {
  readonly loaded: Loaded;
  /** The best plan by whole tensors; the answer is never worse. */
  readonly baseline: Compiled;
  /** Whether the baseline obeys the capacities and other constraints; if not, it was planned without capacities, to compare with. */
  readonly baselineFits: boolean;
  /** The plan before what is read together was laid side by side; absent where that changed nothing. */
  readonly apart?: Compiled;
  /** Of the independent verifier; empty, or the compile has failed. */
  readonly faults: readonly PlanFault[];
  /** The verifiers that checked the plan; empty if none is bound. */
  readonly verifiedBy: readonly string[];
  readonly iterations: number;
  /** Edits kept. */
  readonly edits: number;
  /** The budget ended the search: more time may find a better plan. */
  readonly cutShort: boolean;
  /** By stage. */
  readonly elapsedMs: Readonly<Record<string, number>>;
}

/** Bytes of the counted spaces under one way of counting inputs. */
export interface Accounting {
  readonly peakBytes: number;
  readonly arenaBytes: number;
  /** The peak of the best whole-tensor plan. */
  readonly tensorPeakBytes: number;
  /** No plan in which no multiply-accumulate runs twice holds less at its peak. */
  readonly boundBytes: number;
  /** Why: a moment of every such plan, and what is held then. */
  readonly bound: Pick<LowerBound, 'when' | 'holds'>;
}

/** DESIGN section 11: the three ways of counting inputs, always all printed. */
export interface Accountings {
  readonly resident: Accounting;
  readonly streamedInput: Accounting;
  readonly externalInput: Accounting;
}
