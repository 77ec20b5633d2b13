import type { InputAccess } from '../ir/constraint.js';
import type { Grain } from '../ir/grain.js';
import type { Plan } from '../ir/plan.js';
import { countedBytes } from '../plan/metrics.js';
import type { Registry } from '../plugin/registry.js';
import { type LowerBound, lowerBound } from './bound/lower-bound.js';
import { isWhole, openRun, planBaseline } from './compile.js';
import { type Finished, isInfeasible, planGrain } from './plan-grain.js';
import type { Run } from './run.js';
import type { Accounting, Accountings, CompileOptions, CompileResult } from './types.js';

/**
 * What the result would take if every input were resident, streamed or external: the final grain and the whole-tensor grain planned
 * again under that access (no adjusting), the better one kept. Figures are bytes of the counted spaces.
 */
export async function accountings(
  registry: Registry,
  result: CompileResult,
  options: CompileOptions,
  now: () => number,
): Promise<Accountings> {
  const under = (input: InputAccess): Promise<Accounting> => account(registry, result, options, input, now);
  return { resident: await under('resident'), streamedInput: await under('streamed'), externalInput: await under('external') };
}

async function account(
  registry: Registry,
  result: CompileResult,
  options: CompileOptions,
  input: InputAccess,
  now: () => number,
): Promise<Accounting> {
  const { program } = result.loaded;
  const said = options.constraints.filter(({ kind }) => kind === 'input');
  const constraints = options.constraints.filter(({ kind }) => kind !== 'input');
  const run = openRun(registry, result.loaded, { ...options, constraints, input }, now);
  const bound = lowerBound(program, run.machine, run.constraints);
  // The compile itself was under this access: its plans stand.
  if (input === options.input && said.length === 0) return figures(result.plan, result.baseline.plan, bound);
  const { baseline, fits } = await planBaseline(run);
  const best = await bestOf(run, result.plan.decomposition.grain, fits ? baseline : undefined);
  return figures((best ?? baseline).plan, baseline.plan, bound);
}

/** The final grain under this access, unless the baseline is better. Undefined where nothing fits. */
async function bestOf(run: Run, grain: Grain, baseline: Finished | undefined): Promise<Finished | undefined> {
  if (isWhole(grain)) return baseline;
  try {
    const found = await planGrain(run, grain, {});
    return baseline && baseline.score <= found.score ? baseline : found;
  } catch (error) {
    if (!isInfeasible(error)) throw error;
    return baseline;
  }
}

function figures({ metrics, machine }: Plan, baseline: Plan, bound: LowerBound): Accounting {
  return {
    peakBytes: countedBytes(metrics.peakBytes, machine),
    arenaBytes: countedBytes(metrics.arenaBytes, machine),
    tensorPeakBytes: countedBytes(baseline.metrics.peakBytes, machine),
    boundBytes: bound.bytes,
    bound: { when: bound.when, holds: bound.holds },
  };
}
