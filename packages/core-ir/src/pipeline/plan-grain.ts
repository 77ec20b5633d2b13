import { InfeasibleError, RegrainError } from '../errors.js';
import type { Grain } from '../ir/grain.js';
import type { Metrics } from '../ir/plan.js';
import { type Choice, choiceId } from '../plugin/choice.js';
import { macLimit } from './constraints.js';
import { type Draft, type Drafted, having } from './draft.js';
import { leastOf } from './estimate.js';
import type { Run } from './run.js';
import { STAGES, withChecked, withGrain } from './stages.js';
import type { Compiled } from './types.js';

export type Finished = Drafted<'grain' | 'plan' | 'seen' | 'needs' | 'score'>;

/** Every draft that the decomposers of the pipeline start, or the one that is given. */
export async function decomposeAll(run: Run): Promise<readonly Draft[]> {
  const { grain: given } = run.options;
  if (given) return [await withChecked(run, { by: { [STAGES[0].name]: given.by } }, given.by, given.grain)];
  return through(run, STAGES[0].name, [{ by: {} }]);
}

/** The best plan of one grain; `by` says where the grain comes from. */
export async function planGrain(run: Run, grain: Grain, by: Readonly<Record<string, Choice>>): Promise<Finished> {
  return planDrafts(run, [await withGrain(run, { by }, grain)]);
}

/** The best plan of drafts that are decomposed, and of those that are `worth` it. Throws the mildest `InfeasibleError` if none fits. */
export async function planDrafts(run: Run, drafts: readonly Draft[], worth?: (least: Metrics) => boolean): Promise<Finished> {
  let current = drafts;
  for (const { name } of STAGES.slice(1)) {
    current = await through(run, name, current);
    if (!worth) continue;
    current = current.filter(({ residencies }, k) => !residencies || worth(leastOf(run, current[k])));
    if (current.length === 0) throw new RegrainError('infeasible', `no plan is worth more after the stage ${name}`);
  }
  const factor = macLimit(run.constraints);
  // No limit on no multiply-accumulates would be NaN.
  const limit = factor === Number.POSITIVE_INFINITY ? factor : factor * run.program.operations.reduce((sum, { macs }) => sum + macs, 0);
  const done = current.map((draft) => having(draft, 'grain', 'plan', 'seen', 'needs', 'score'));
  const allowed = done.filter(({ plan }) => plan.metrics.macs <= limit * (1 + 1e-9));
  // Recomputation beyond the user's limit is a matter of the grain: another one must do.
  if (allowed.length === 0) throw tooManyMacs(done, limit);
  return allowed.reduce((best, draft) => (draft.score < best.score ? draft : best));
}

async function through(run: Run, name: string, drafts: readonly Draft[]): Promise<readonly Draft[]> {
  const stage = STAGES.find((each) => each.name === name) as (typeof STAGES)[number];
  const next: Draft[] = [];
  let failure: RegrainError | undefined;
  for (const draft of stage.sift?.(run, drafts) ?? drafts) {
    for (const choice of stage.choices(run)) {
      try {
        next.push({ ...(await stage.apply(run, draft, choice)), by: { ...draft.by, [name]: choice } });
      } catch (error) {
        if (!isInfeasible(error)) throw error;
        if (!failure || excess(error) < excess(failure)) failure = error;
      }
    }
  }
  if (next.length === 0 && failure) throw failure;
  return next;
}

/** No plan within the constraints, which other choices may still find. */
export function isInfeasible(error: unknown): error is RegrainError {
  return error instanceof RegrainError && error.code === 'infeasible';
}

function excess(error: RegrainError): number {
  return error instanceof InfeasibleError ? error.detail.required - error.detail.available : Number.POSITIVE_INFINITY;
}

function tooManyMacs(done: readonly Finished[], limit: number): RegrainError {
  const least = Math.min(...done.map(({ plan }) => plan.metrics.macs));
  return new RegrainError('infeasible', `${least} multiply-accumulates are needed, constraint mac-factor allows ${Math.floor(limit)}`);
}

/** The draft as callers see it. */
export function compiledOf({ plan, needs, seen, by, schedule }: Finished): Compiled {
  const made = Object.fromEntries(Object.entries(by).map(([stage, choice]) => [stage, choiceId(choice)]));
  return { plan, dependences: needs, seen, made, ...(schedule?.found ? { found: schedule.found } : {}) };
}
