import type { History } from './history.js';
import type { ThresholdOptions } from './options.js';
import type { TensorMetrics } from './tensor-metrics.js';

/** What the rule asks for a tensor's regions (`wants`), and what it would let pass as part of a larger batch (`allows`). */
export interface Verdict {
  readonly wants: ReadonlySet<'split' | 'merge'>;
  readonly allows: ReadonlySet<'split' | 'merge'>;
}

/**
 * The specification's rule: high contention splits, high co-access of neighbours merges, low reuse does what the policy says.
 * Between the two contention thresholds nothing happens for contention's sake, so that no region flips.
 */
export function judge(metrics: TensorMetrics, history: History, options: ThresholdOptions): Verdict {
  const wants = new Set<'split' | 'merge'>();
  const allows = new Set<'split' | 'merge'>();
  const { tensor, contention, reuse, coaccess, frequency, regions } = metrics;
  if (frequency < options.minFrequency) return { wants, allows };
  if (history.allows(tensor, 'split')) allows.add('split');
  if (history.allows(tensor, 'merge') && regions.length > 1 && contention <= options.mergeContention) allows.add('merge');
  if (contention >= options.splitContention) wants.add('split');
  if (coaccess >= options.mergeCoaccess) wants.add('merge');
  if (reuse < options.lowReuse) {
    if (options.lowReusePolicy !== 'merge') wants.add('split');
    if (options.lowReusePolicy !== 'split') wants.add('merge');
  }
  for (const kind of [...wants]) if (!allows.has(kind)) wants.delete(kind);
  return { wants, allows };
}
