import type { Plan, PlanFault, Verifier } from '@regrain/core-ir';
import { injectable } from 'inversify';
import { verify } from './verify.js';

/** The verifier of every plan that leaves the program: a shadow of its memory, by boxes. See `verify`. */
@injectable()
export class ShadowVerifier implements Verifier {
  verify(plan: Plan): readonly PlanFault[] {
    return verify(plan);
  }
}
