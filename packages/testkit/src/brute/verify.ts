import type { Plan, PlanFault } from '@regrain/core-ir';
import { type Add, reachability } from './reach.js';
import { checkRules } from './rules.js';
import { Shadow } from './shadow.js';
import { checkTrace } from './trace.js';

/**
 * The slow form of the verifier: element-level shadow memory. Every byte of every space holds the name of the value that is in it;
 * tasks run point by point (once with the points ascending, once descending, so that an in-place write must not depend on the order),
 * index maps are evaluated at each point, moves copy bytes. Whether steps are ordered is decided by reachability. For small programs.
 */
export function bruteForceVerify(plan: Plan): readonly PlanFault[] {
  const faults = new Map<string, PlanFault>();
  const add: Add = (rule, message) => {
    faults.set(`${rule}/${message}`, { rule, message });
  };
  const reach = reachability(plan);
  if (plan.program.trace) checkTrace(plan, reach, add);
  else for (const descending of [false, true]) new Shadow(plan, reach, add, descending).run();
  checkRules(plan, reach, add);
  return [...faults.values()];
}
