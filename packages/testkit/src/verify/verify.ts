import type { Plan, PlanFault } from '@regrain/core-ir';
import { checkAccesses } from './accesses.js';
import { checkAddresses } from './addresses.js';
import { checkDemands } from './constraints.js';
import { checkCoverage } from './coverage.js';
import { Faults } from './faults.js';
import { HappensBefore } from './happens-before.js';
import { walkSteps } from './memory.js';
import { checkMetrics } from './metrics.js';
import { checkStructure } from './structure.js';
import { checkTrace } from './trace-hazards.js';

/**
 * The fast exact form of the verifier: what is wrong with a plan, from the program and the plan alone. Works on boxes, not elements:
 * near-linear in steps, accesses and placements. Rules, in this order: `structure`, `access`, `coverage`, `values`, `order`,
 * `overlap`, `capacity`, `alignment`, `constraint`,
 * `metrics`. A plan of broken structure is judged no further.
 */
export function verify(plan: Plan): readonly PlanFault[] {
  const faults = new Faults();
  checkStructure(plan, faults);
  if (faults.any) return faults.list();
  checkAccesses(plan, faults);
  const before = new HappensBefore(plan);
  if (plan.program.trace) checkTrace(plan, before, faults);
  else {
    checkCoverage(plan, faults);
    checkAddresses(plan, before, walkSteps(plan, before, faults), faults);
  }
  checkDemands(plan, before, faults);
  checkMetrics(plan, faults);
  return faults.list();
}
