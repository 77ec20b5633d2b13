import { indexRegions, type Observations, type Plan } from '@regrain/core-ir';
import type { MachineDescription } from './description.js';
import { runEvents } from './simulator/events.js';
import { observe } from './simulator/observe.js';
import { findTouches } from './simulator/touches.js';
import { workOf } from './simulator/work.js';

/**
 * Runs a plan on a described machine, event by event, and returns what its monitors would show, in cycles. The same plan gives the
 * same observations on every run. Time does not depend on values, so nothing is computed.
 */
export function simulate(plan: Plan, description: MachineDescription): Observations {
  const indexes = indexRegions(plan.decomposition);
  const touches = findTouches(plan.decomposition, indexes);
  const work = workOf(plan, description, touches);
  return observe(plan, indexes, touches, work, runEvents(work));
}
