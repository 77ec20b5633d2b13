import { type Choice, type CompileOptions, choiceId, choicesOf, countedBytes } from '@regrain/core-ir';
import { failureOf } from '../output/failure.js';
import type { OpenedPlan } from './open-plan.js';
import type { PeakExplanation } from './peak.js';

/** Another plan of the same model, really made and verified. */
export interface Tried {
  /** What to add to `regrain compile`. */
  readonly flags: string;
  readonly peakBytes: number;
  readonly arenaBytes: number;
  /** As shares of the plan that is explained. */
  readonly macFactor: number;
  readonly cycleFactor: number;
  /** Why there is no such plan. */
  readonly failed?: string;
}

interface Alternative {
  readonly flags: string;
  readonly options: CompileOptions;
}

/** Plans every alternative that may help this peak; best first. */
export async function tryAll(opened: OpenedPlan, peak: PeakExplanation, progress: (line: string) => void): Promise<readonly Tried[]> {
  const { made, plan } = opened;
  if (!made) return [];
  const tried: Tried[] = [];
  const alternatives = alternativesOf(made.options, peak);
  for (const [k, { flags, options }] of alternatives.entries()) {
    progress(`trying ${flags} (${k + 1} of ${alternatives.length})`);
    try {
      const { metrics, machine } = (await made.session.compile(made.result.loaded, { ...options, progress: undefined })).plan;
      tried.push({
        flags,
        peakBytes: countedBytes(metrics.peakBytes, machine),
        arenaBytes: countedBytes(metrics.arenaBytes, machine),
        macFactor: plan.metrics.macs > 0 ? metrics.macs / plan.metrics.macs : 1,
        cycleFactor: plan.metrics.cycles > 0 ? metrics.cycles / plan.metrics.cycles : 1,
      });
    } catch (error) {
      tried.push({
        flags,
        peakBytes: Number.POSITIVE_INFINITY,
        arenaBytes: Number.POSITIVE_INFINITY,
        macFactor: 1,
        cycleFactor: 1,
        failed: failureOf(error).message,
      });
    }
  }
  progress('');
  return tried.sort((a, b) => a.arenaBytes - b.arenaBytes);
}

/** Only what differs from the options at hand. */
function alternativesOf(options: CompileOptions, peak: PeakExplanation): Alternative[] {
  const { pipeline, constraints } = options;
  const found: Alternative[] = [];
  const add = (flags: string, changes: Partial<CompileOptions>): void => {
    found.push({ flags, options: { ...options, ...changes } });
  };
  const has = (choices: Choice | readonly Choice[], id: string): boolean => choicesOf(choices).some((choice) => choiceId(choice) === id);
  if (pipeline.adjust !== undefined)
    add(`--iterations ${pipeline.iterations + 8}`, { pipeline: { ...pipeline, iterations: pipeline.iterations + 8 } });
  if (pipeline.adjust !== undefined && !constraints.some(({ kind }) => kind === 'mac-factor')) {
    const iterations = pipeline.iterations + 8;
    const decompose = choicesOf(pipeline.decompose);
    add(`--max-mac-factor 1.25 --decompose ${decompose.map(choiceId).join(',')} --iterations ${iterations}`, {
      constraints: [...constraints, { kind: 'mac-factor', max: 1.25 }],
      pipeline: { ...pipeline, iterations },
    });
  }
  if (options.input !== 'external' && peak.parts.tensors.some(({ kind }) => kind === 'input'))
    add('--input external', { input: 'external' });
  if (!has(pipeline.schedule, 'locality'))
    add(`--schedule ${[...choicesOf(pipeline.schedule).map(choiceId), 'locality'].join(',')}`, {
      pipeline: { ...pipeline, schedule: [...choicesOf(pipeline.schedule), 'locality'] },
    });
  if (peak.arenaBytes > peak.at.bytes && !has(pipeline.allocate, 'exact'))
    add('--allocate exact', { pipeline: { ...pipeline, allocate: 'exact' } });
  return found;
}
