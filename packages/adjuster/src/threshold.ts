import { type Adjuster, type Context, type Observations, type Plan, PluginOptions, type Proposal, type Trial } from '@regrain/core-ir';
import { inject, injectable } from 'inversify';
import { findAxes } from './threshold/axes.js';
import { listCandidates } from './threshold/candidates.js';
import { Estimator } from './threshold/estimate.js';
import { History } from './threshold/history.js';
import type { ThresholdOptions } from './threshold/options.js';
import { proposeRecompute } from './threshold/recompute.js';
import { measureTensors } from './threshold/tensor-metrics.js';
import { judge } from './threshold/verdict.js';

/**
 * Splits and merges regions by thresholds on what the monitors saw: contention, reuse, frequency and co-access. Proposes batches whose
 * predicted gain is positive, best first, none that was rejected before and none that undoes an edit confirmed lately.
 */
@injectable()
export class ThresholdAdjuster implements Adjuster {
  constructor(@inject(PluginOptions) private readonly options: ThresholdOptions) {}

  propose(plan: Plan, seen: Observations, trials: readonly Trial[], context: Context): readonly Proposal[] {
    const { options } = this;
    const history = new History(trials, options.cooldown);
    const measured = measureTensors(plan, seen);
    const verdicts = measured.map((metrics) => judge(metrics, history, options));
    const axes = findAxes(plan.program, plan.decomposition.grain.order);
    const estimator = new Estimator(plan, seen, context);
    const tasks = plan.decomposition.tasks.length;
    const priced = listCandidates(plan, measured, verdicts, axes, options.factors, estimator.peakStep)
      .filter(({ edits, moreTasks }) => edits.length <= options.maxEdits && (moreTasks <= 0 || tasks + moreTasks <= options.maxTasks))
      .map(({ edits, changes, frequency }) => ({ edits, frequency, gain: estimator.gain(changes) }));
    if (options.recompute) priced.push(...proposeRecompute(plan, measured, context.constraints, estimator));
    // Of equal gains the busier regions first; then the order in which they were found, which is the program's.
    priced.sort((a, b) => b.gain - a.gain || b.frequency - a.frequency);
    const proposals: Proposal[] = [];
    for (const { edits, gain } of priced) {
      if (gain <= options.minGain || proposals.length === options.maxProposals) break;
      if (!history.wasRejected(edits)) proposals.push({ edits, gain: Math.min(1, gain) });
    }
    return proposals;
  }
}
