import { InfeasibleError, RegrainError } from '../errors.js';
import { sameBox } from '../ir/box.js';
import type { Grain } from '../ir/grain.js';
import { countedBytes } from '../plan/metrics.js';
import { type Choice, choiceId } from '../plugin/choice.js';
import { macLimit } from './constraints.js';
import { type Draft, type Drafted, having } from './draft.js';
import { mergedGrain } from './merged-regions.js';
import type { Run } from './run.js';
import { STAGES, withGrain } from './stages.js';
import type { Compiled } from './types.js';

export type Finished = Drafted<'grain' | 'plan' | 'seen' | 'needs' | 'score'>;

/** Every draft that the decomposers of the pipeline start. */
export async function decomposeAll(run: Run): Promise<readonly Draft[]> {
  return through(run, STAGES[0].name, [{ by: {} }]);
}

/** The best plan of one grain; `by` says where the grain comes from. */
export async function planGrain(run: Run, grain: Grain, by: Readonly<Record<string, Choice>>): Promise<Finished> {
  return planDrafts(run, [await withGrain(run, { by }, grain)]);
}

/** The best plan of drafts that are decomposed. Throws the mildest `InfeasibleError` if none fits. */
export async function planDrafts(run: Run, drafts: readonly Draft[]): Promise<Finished> {
  let current = drafts;
  for (const { name } of STAGES.slice(1)) current = await through(run, name, current);
  const factor = macLimit(run.constraints);
  // No limit on no multiply-accumulates would be NaN.
  const limit = factor === Number.POSITIVE_INFINITY ? factor : factor * run.program.operations.reduce((sum, { macs }) => sum + macs, 0);
  const done = current.map((draft) => having(draft, 'grain', 'plan', 'seen', 'needs', 'score'));
  const allowed = done.filter(({ plan }) => plan.metrics.macs <= limit * (1 + 1e-9));
  // Recomputation beyond the user's limit is a matter of the grain: another one must do.
  if (allowed.length === 0) throw tooManyMacs(done, limit);
  return allowed.reduce((best, draft) => (draft.score < best.score ? draft : best));
}

/** Where little lives, merged regions may fill the space to these shares of the most that lives; the first that fits is taken. */
const ROOMS = [0.9, 0.75, 0.5];

/**
 * The same plan with its regions placed once more, side by side what is read together; undefined where that is worse or not asked for.
 * Where height may be given for it, regions are merged first as far as that fits.
 */
export async function placeSideBySide(run: Run, draft: Finished): Promise<Finished | undefined> {
  const slack = run.options.adjacency ?? 0;
  if (slack === false) return undefined;
  const limit = draft.score * (1 + slack) + 1;
  for (const room of slack > 0 ? ROOMS : []) {
    const merged = await planMerged(run, draft, room, slack);
    if (!merged || merged.score >= limit) continue;
    // Merged regions may leave more than they were given.
    const found = await sideBySide(run, merged, Math.max(0, (heightOf(run, draft) * (1 + slack)) / heightOf(run, merged) - 1));
    if (found && found.score < limit) return found;
  }
  const found = await sideBySide(run, draft, slack);
  // A byte of arena outweighs whatever the objective breaks ties by.
  return found && found.score < limit ? found : undefined;
}

function heightOf({ machine }: Run, { plan }: Finished): number {
  return countedBytes(plan.metrics.arenaBytes, machine);
}

async function sideBySide(run: Run, draft: Finished, slack: number): Promise<Finished | undefined> {
  return planFrom(run.with({ adjacency: slack }), draft, 'allocate');
}

/** The same tasks in the same order on larger regions. */
async function planMerged(run: Run, draft: Finished, room: number, slack: number): Promise<Finished | undefined> {
  const { grain, work, residencies, steps, schedule } = having(draft, 'grain', 'work', 'residencies', 'steps', 'schedule');
  const pinned = new Set(run.constraints.flatMap((each) => (each.kind === 'pin' ? [each.tensor] : [])));
  const larger = mergedGrain(run.program, { by: draft.by, grain, work, residencies, steps }, run.machine, pinned, room, (slack * room) / 2);
  if (!larger) return undefined;
  const next = having(await withGrain(run, { by: draft.by }, larger), 'work');
  const same = next.work.tasks.length === work.tasks.length;
  if (!same || !next.work.tasks.every(({ operation, box }, t) => operation === work.tasks[t].operation && sameBox(box, work.tasks[t].box)))
    return undefined;
  const { apply } = STAGES.find(({ name }) => name === 'analyze') as (typeof STAGES)[number];
  return planFrom(run, { ...(await apply(run, next, draft.by['analyze'])), schedule }, 'move');
}

/** The plan of a draft, by the same plugins, from a stage on; undefined where nothing fits. */
async function planFrom(run: Run, draft: Draft, from: string): Promise<Finished | undefined> {
  let current = draft;
  try {
    for (const { name, apply } of STAGES.slice(STAGES.findIndex((stage) => stage.name === from)))
      current = await apply(run, current, draft.by[name]);
  } catch (error) {
    if (!isInfeasible(error)) throw error;
    return undefined;
  }
  return having(current, 'grain', 'plan', 'seen', 'needs', 'score');
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
