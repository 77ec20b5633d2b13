import { badInput } from '../errors.js';
import type { Plan } from '../ir/plan.js';
import { complaintOf, formatPath } from '../plugin/schema-errors.js';
import { planJsonOf, planOf } from './of-json.js';
import { referenceFault } from './references.js';
import { planSchema } from './schema.js';

/**
 * Reads a plan of the format `regrain.plan/1`; `source` is what messages call it. Throws `bad-input` with one line that names the
 * place inside (`decomposition.regions[3].box`). Whether the plan is right is for a verifier to say.
 */
export function parsePlan(text: string, source = 'plan'): Plan {
  const parsed = planSchema.safeParse(planJsonOf(text, source));
  if (!parsed.success) {
    const { path, message } = complaintOf(parsed.error, planSchema);
    throw badInput(`${source}: ${formatPath(path)}: ${message}`);
  }
  const fault = referenceFault(parsed.data);
  if (fault) throw badInput(`${source}: ${formatPath(fault.path)}: ${fault.message}`);
  return planOf(parsed.data);
}
