import { type Adjuster, type Context, type Observations, type Plan, PluginOptions, type Proposal, type Trial } from '@regrain/core-ir';
import { inject, injectable } from 'inversify';
import { findAxes } from './threshold/axes.js';
import { listCandidates } from './threshold/candidates.js';
import { Estimator } from './threshold/estimate.js';
import { History } from './threshold/history.js';
import type { ThresholdOptions } from './threshold/options.js';
import { bestFirst, type Priced } from './threshold/rank.js';
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
    context.signal.throwIfAborted();
    const { options } = this;
    const history = new History(trials, options.cooldown);
    const measured = measureTensors(plan, seen);
    const verdicts = measured.map((metrics) => judge(metrics, history, options));
    const axes = findAxes(plan.program, plan.decomposition.grain.order);
    const estimator = new Estimator(plan, seen, context);
    const tasks = plan.decomposition.tasks.length;
    const priced: Priced[] = listCandidates(plan, measured, verdicts, axes, options.factors, estimator.peakStep)
      .filter(({ count, moreTasks }) => count <= options.maxEdits && (moreTasks <= 0 || tasks + moreTasks <= options.maxTasks))
      .map((candidate) => ({ ...candidate, gain: estimator.gain(candidate.changes) }));
    if (options.recompute) priced.push(...proposeRecompute(plan, measured, context.constraints, estimator));
    const worthwhile = priced
      .map((batch) => ({ ...batch, gain: batch.gain * history.trust(batch.kind, batch.tensors) }))
      .filter(({ gain }) => gain > options.minGain);
    const proposals: Proposal[] = [];
    for (const batch of bestFirst(worthwhile)) {
      if (proposals.length === options.maxProposals) break;
      const edits = batch.edits();
      if (!history.wasRejected(edits)) proposals.push({ edits, gain: Math.min(1, batch.gain) });
    }
    return proposals;
  }
}
