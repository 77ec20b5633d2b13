import { PluginError, RegrainError } from '../errors.js';
import { editAll } from '../expand/edit.js';
import { Adjuster } from '../extension-points/adjuster.js';
import type { Loaded } from '../extension-points/frontend.js';
import { HardwareTarget } from '../extension-points/hardware-target.js';
import { Verifier } from '../extension-points/verifier.js';
import { type Grain, wholeTensorGrain } from '../ir/grain.js';
import type { Maker, Plan, Trial, TrialFigures } from '../ir/plan.js';
import { countedBytes } from '../plan/metrics.js';
import { type Choice, choicesOf } from '../plugin/choice.js';
import type { Registry } from '../plugin/registry.js';
import { blame } from './blame.js';
import { provenBound } from './bound/lower-bound.js';
import { checkConstraints, unlimited, withoutCapacity } from './constraints.js';
import { checkContradictions, usableBytes, withMergedReserves } from './contradictions.js';
import { BudgetSpent, type Deadline, deadlineIn } from './deadline.js';
import { withInputs } from './input-access.js';
import { compiledOf, decomposeAll, type Finished, isInfeasible, planDrafts, planGrain } from './plan-grain.js';
import { Run } from './run.js';
import { placeSideBySide } from './side-by-side.js';
import type { CompileOptions, CompileResult } from './types.js';

/** What made the baseline's grain. */
export const WHOLE_TENSOR = 'whole-tensor';

/**
 * From a program to a verified plan: the best of all candidates and of the whole-tensor baseline, then adjusted while that helps.
 * Throws `InfeasibleError` if nothing fits, and `verification` if a verifier finds a fault.
 */
export async function compile(registry: Registry, loaded: Loaded, options: CompileOptions, now: () => number): Promise<CompileResult> {
  const began = now();
  const run = openRun(registry, loaded, options, now);
  checkContradictions(run.constraints, run.program, run.machine);
  checkRoom(run);
  const deadline = options.budgetMs === undefined ? undefined : deadlineIn(options.budgetMs, now, run.signal);
  const { baseline, fits } = await planBaseline(run);
  const first = await firstPlan(run, fits ? baseline : undefined, deadline);
  const { best: lowest, trials, spent } = await adjust(run, first.plan, deadline);
  const best = first.spent || spent ? lowest : ((await placeSideBySide(run, lowest)) ?? lowest);
  const chosen = fits ? await confirmed(run, best, baseline) : best;
  // Edits of a plan that did not stand are none that were kept.
  const told = chosen === baseline ? trials.map((trial) => ({ ...trial, kept: false })) : trials;
  const answer: Finished = { ...chosen, plan: { ...chosen.plan, trials: told, made: makersOf(chosen.by) } };
  const verifiedBy = await verify(run, answer);
  run.elapsedMs['compile'] = now() - began;
  return {
    ...compiledOf(answer),
    loaded,
    baseline: compiledOf(baseline),
    baselineFits: fits,
    ...(best === lowest || chosen === baseline ? {} : { apart: compiledOf(lowest) }),
    faults: [],
    verifiedBy,
    iterations: trials.length,
    edits: told.reduce((sum, { kept, edits }) => sum + (kept ? edits.length : 0), 0),
    cutShort: first.spent || spent,
    elapsedMs: run.elapsedMs,
  };
}

export function openRun(registry: Registry, { program, constants }: Loaded, options: CompileOptions, now: () => number): Run {
  const constraints = withMergedReserves(withInputs(program, options.constraints, options.input));
  const run = Run.open(registry, program, constants, options, constraints, now);
  checkConstraints(run.constraints, program, run.machine);
  return run;
}

/** The best whole-tensor plan; where it does not fit, one without limits of space, to compare with. */
export async function planBaseline(run: Run): Promise<{ readonly baseline: Finished; readonly fits: boolean }> {
  const whole = wholeTensorGrain(run.program);
  const by = { decompose: WHOLE_TENSOR };
  try {
    return { baseline: await planGrain(run, whole, by), fits: true };
  } catch (error) {
    if (!isInfeasible(error)) throw error;
    const lifted = run.with({ machine: unlimited(run.machine), constraints: withoutCapacity(run.constraints) });
    return { baseline: await planGrain(lifted, whole, by), fits: false };
  }
}

interface First {
  readonly plan: Finished;
  /** The deadline passed before every candidate was planned. */
  readonly spent: boolean;
}

/** The best of the decomposers' plans and the baseline, if it fits. */
async function firstPlan(run: Run, baseline: Finished | undefined, deadline: Deadline | undefined): Promise<First> {
  if (!deadline) return { plan: await bestOf(run, baseline), spent: false };
  // One decomposer after the other, so that there is a best so far; until there is one, the time is not limited.
  let best = baseline;
  let failure: unknown;
  for (const choice of choicesOf(run.pipeline.decompose)) {
    if (best && deadline.passed()) return { plan: best, spent: true };
    const one = run.with({ pipeline: { decompose: choice }, ...(best ? { signal: deadline.signal } : {}) });
    try {
      best = await bestOf(one, best);
    } catch (error) {
      if (best && error instanceof BudgetSpent) return { plan: best, spent: true };
      if (!isInfeasible(error)) throw error;
      failure ??= error;
    }
  }
  if (!best) throw failure;
  return { plan: best, spent: false };
}

/** The best of the plans of a run's decomposers and of one that is at hand. */
async function bestOf(run: Run, atHand: Finished | undefined): Promise<Finished> {
  const drafts = (await decomposeAll(run)).filter(({ grain }) => !atHand || !isWhole(grain as Grain));
  if (drafts.length === 0) return atHand as Finished;
  try {
    const found = await planDrafts(run, drafts, run.options.worth);
    return atHand && atHand.score <= found.score ? atHand : found;
  } catch (error) {
    if (atHand && isInfeasible(error)) return atHand;
    throw error;
  }
}

/**
 * A limit below what every plan holds at some time says so before anything is planned. Only where tasks work in counted spaces alone,
 * and by what holds with recomputation, too.
 */
function checkRoom({ program, machine, constraints }: Run): void {
  const bound = provenBound(program, machine, constraints);
  const counted = machine.spaces.flatMap(({ counted }, space) => (counted ? [space] : []));
  const available = counted.reduce((sum, space) => sum + Math.max(0, usableBytes(machine, space, constraints)), 0);
  if (counted.length === 0 || bound <= available) return;
  const names = counted.map((space) => machine.spaces[space].name).join(' and ');
  throw new RegrainError(
    'infeasible',
    `space ${names} leaves ${available} bytes, and every plan holds at least ${bound} at once (a proven bound): ${bound - available} too many`,
  );
}

/** Nothing is cut: the grain of the baseline. */
export function isWhole({ regions, tasks, order, recompute, reduce, copies = [] }: Grain): boolean {
  return (
    regions.every((boxes) => boxes.length <= 1) &&
    tasks.every((choice) => choice === 'owner' || choice.length === 1) &&
    order.every((dimensions) => dimensions.length === 0) &&
    recompute.length === 0 &&
    reduce.length === 0 &&
    copies.length === 0
  );
}

/**
 * Edits that the adjuster proposes from what execution showed, one batch at a time; kept only if the score falls. A round plans with
 * the scheduler and allocator that made the plan at hand. Ends when nothing is proposed or after `iterations` trials.
 */
async function adjust(
  whole: Run,
  start: Finished,
  deadline: Deadline | undefined,
): Promise<{ readonly best: Finished; readonly trials: readonly Trial[]; readonly spent: boolean }> {
  const run = deadline ? whole.with({ signal: deadline.signal }) : whole;
  const choice = run.pipeline.adjust;
  const trials: Trial[] = [];
  let best = start;
  if (choice === undefined) return { best, trials, spent: false };
  const adjuster = run.plugin(Adjuster, choice);
  const label = run.registry.label(Adjuster, choice);
  try {
    while (trials.length < run.pipeline.iterations) {
      if (deadline?.passed()) return { best, trials, spent: true };
      const at: Finished = best;
      const proposals = await run.call('adjust', Adjuster, choice, (context) =>
        adjuster.propose({ ...at.plan, trials }, at.seen, trials, context),
      );
      if (proposals.length === 0) break;
      for (const { edits, gain } of proposals) {
        if (trials.length >= run.pipeline.iterations) break;
        const tried = await tryEdits(run, at, edited(label, run, at.grain, edits));
        const after = tried?.score ?? Number.POSITIVE_INFINITY;
        const kept = tried !== undefined && after < at.score;
        const effect = { before: figuresOf(at.plan), ...(tried ? { after: figuresOf(tried.plan) } : {}) };
        trials.push({ edits, predicted: gain, before: at.score, after, kept, effect });
        if (!kept) continue;
        best = tried;
        break;
      }
    }
  } catch (error) {
    if (error instanceof BudgetSpent) return { best, trials, spent: true };
    throw error;
  }
  return { best, trials, spent: false };
}

/** The best plan if a fresh comparison with the baseline bears it out, where the target measures times; else the baseline. */
async function confirmed(run: Run, best: Finished, baseline: Finished): Promise<Finished> {
  const { target, objective, constants, machine } = run;
  if (run.options.untimed || best === baseline || !target.measures || !target.compare || !constants) return best;
  const factor = await run.call('confirm', HardwareTarget, run.options.target, () =>
    target.compare?.(best.plan, baseline.plan, constants ?? new Uint8Array()),
  );
  if (factor === undefined) return best;
  const metrics = { ...best.plan.metrics, cycles: baseline.plan.metrics.cycles * factor };
  const score = objective.score(metrics, machine);
  return score < baseline.score ? { ...best, plan: { ...best.plan, metrics }, score } : baseline;
}

/** What a trial's plan comes to. */
function figuresOf({ metrics, machine }: Plan): TrialFigures {
  const { peakBytes, arenaBytes, macs, cycles } = metrics;
  return { peakBytes: countedBytes(peakBytes, machine), arenaBytes: countedBytes(arenaBytes, machine), macs, cycles };
}

function makersOf(by: Readonly<Record<string, Choice>>): Readonly<Record<string, Maker>> {
  return Object.fromEntries(Object.entries(by).map(([stage, choice]) => [stage, typeof choice === 'string' ? { id: choice } : choice]));
}

function edited(label: string, run: Run, grain: Grain, edits: Trial['edits']): Grain {
  try {
    return editAll(run.program, grain, edits);
  } catch (error) {
    throw new PluginError(label, `it proposed edits that do not fit the plan: ${(error as Error).message}`, error);
  }
}

/** The plan of an edited grain, by the plugins that made the plan it comes from; undefined where none fits. */
async function tryEdits(run: Run, { by }: Finished, grain: Grain): Promise<Finished | undefined> {
  const pipeline = { schedule: by['schedule'] as Choice, allocate: by['allocate'] as Choice };
  try {
    return await planGrain(run.with({ pipeline }), grain, { decompose: by['decompose'] });
  } catch (error) {
    if (isInfeasible(error)) return undefined;
    throw error;
  }
}

/** All verifiers that are bound; the first fault ends the compile. */
async function verify(run: Run, { plan }: Finished): Promise<readonly string[]> {
  const { list, all } = run.registry.provider(Verifier);
  const verifiers = all();
  for (const [i, verifier] of verifiers.entries()) {
    run.signal.throwIfAborted();
    run.options.progress?.({ stage: 'verify', plugin: list[i].id, done: i, of: verifiers.length, what: '' });
    const label = run.registry.label(Verifier, list[i].id);
    const faults = await run.timed('verify', () => blame(label, run.signal, () => verifier.verify(plan)));
    if (faults.length === 0) continue;
    const more = faults.length > 1 ? ` (and ${faults.length - 1} faults more)` : '';
    throw new RegrainError('verification', `the plan is wrong, says ${label}: ${faults[0].rule}: ${faults[0].message}${more}`);
  }
  return list.map(({ id }) => id);
}
