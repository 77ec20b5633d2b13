import type { Plan } from '../ir/plan.js';

/** What is wrong with a plan; nothing if it is right. */
export interface PlanFault {
  /** The rule that is broken, such as `hazard`, `overlap`, `capacity`, `coverage`, `order`. */
  readonly rule: string;
  readonly message: string;
}

/** Knows only the program and the plan, and shares no code with what made it. Runs on every plan that leaves the program. */
export interface Verifier {
  verify(plan: Plan): readonly PlanFault[];
}
export const Verifier = Symbol.for('regrain.Verifier');
