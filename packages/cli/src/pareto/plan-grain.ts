import {
  type Choice,
  type CompileOptions,
  type CompileResult,
  choiceId,
  countedBytes,
  type Grain,
  type Loaded,
  type Machine,
  type Metrics,
  type Session,
  serializePlan,
} from '@regrain/core-ir';

/** What of a plan counts for the front. */
export interface Figures {
  readonly macs: number;
  readonly arenaBytes: number;
}

/** A grain to plan, as it goes to a thread. */
export interface GrainJob {
  readonly grain: Grain;
  /** What made it. */
  readonly by: Choice;
  readonly allocate: readonly Choice[];
  /** Plans that are there: where one of them takes no more of anything, the grain is given up. */
  readonly known: readonly Figures[];
  /** The plan's text is wanted. */
  readonly text: boolean;
}

export interface GrainPlan extends Figures {
  readonly macFactor: number;
  readonly peakBytes: number;
  /** Peak of the best whole-tensor plan. */
  readonly tensorPeakBytes: number;
  /** The grain's own plan; false where the whole-tensor plan is better, or the grain was given up. */
  readonly own: boolean;
  readonly tasks: number;
  readonly verified: boolean;
  readonly elapsedMs: number;
  /** As `serializePlan` gives it, where it is wanted. */
  readonly text?: string;
}

/** No plan: nothing fits, or the grain is given up. */
export interface NoPlan {
  readonly why: string;
}

export function isPlan(plan: GrainPlan | NoPlan): plan is GrainPlan {
  return 'arenaBytes' in plan;
}

/** Plans grains, maybe some of them at one time. */
export interface GrainPlanner {
  plan(job: GrainJob): Promise<GrainPlan | NoPlan>;
  close(): Promise<void>;
}

/** Plans and verifies one grain. */
export async function planGrain(
  session: Session,
  loaded: Loaded,
  options: CompileOptions,
  machine: Machine,
  { grain, by, allocate, known, text }: GrainJob,
): Promise<GrainPlan | NoPlan> {
  const began = performance.now();
  const worth = ({ macs, arenaBytes }: Metrics): boolean => {
    const bytes = countedBytes(arenaBytes, machine);
    return !known.some((other) => other.macs <= macs && other.arenaBytes <= bytes);
  };
  let result: CompileResult;
  try {
    result = await session.compile(loaded, { ...options, pipeline: { ...options.pipeline, allocate }, grain: { grain, by }, worth });
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'infeasible') throw error;
    return { why: (error as Error).message };
  }
  const { plan, baseline, faults, verifiedBy, made } = result;
  const { metrics } = plan;
  return {
    macs: metrics.macs,
    macFactor: metrics.macs / Math.max(1, baseline.plan.metrics.macs),
    arenaBytes: countedBytes(metrics.arenaBytes, machine),
    peakBytes: countedBytes(metrics.peakBytes, machine),
    tensorPeakBytes: countedBytes(baseline.plan.metrics.peakBytes, machine),
    own: made['decompose'] === choiceId(by),
    tasks: plan.decomposition.tasks.length,
    verified: faults.length === 0 && verifiedBy.length > 0,
    elapsedMs: performance.now() - began,
    ...(text ? { text: serializePlan(plan) } : {}),
  };
}
