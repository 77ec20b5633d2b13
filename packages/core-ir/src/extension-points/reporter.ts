import type { Observations } from '../ir/observations.js';
import type { Plan } from '../ir/plan.js';
import type { Now } from './context.js';

/** Files that show a plan to a person or a tool, by name. All contributions are used. */
export interface Reporter {
  report(plan: Plan, seen?: Observations): Now<ReadonlyMap<string, Uint8Array>>;
}
export const Reporter = Symbol.for('regrain.Reporter');
