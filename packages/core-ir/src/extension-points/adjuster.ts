import type { Edit } from '../ir/grain.js';
import type { Observations } from '../ir/observations.js';
import type { Plan, Trial } from '../ir/plan.js';
import type { Context, Now } from './context.js';

/** A batch of edits that belong together, and what it should gain (a share of the objective's score, 0 to 1). */
export interface Proposal {
  readonly edits: readonly Edit[];
  readonly gain: number;
}

/** Proposes changes of granularity from what execution showed; best first, nothing that `trials` already rejected. */
export interface Adjuster {
  propose(plan: Plan, seen: Observations, trials: readonly Trial[], context: Context): Now<readonly Proposal[]>;
}
export const Adjuster = Symbol.for('regrain.Adjuster');
