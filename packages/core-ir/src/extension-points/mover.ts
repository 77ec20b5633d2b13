import type { Decomposition } from '../ir/decomposition.js';
import type { Dependences } from '../ir/dependences.js';
import type { Placement, Step } from '../ir/plan.js';
import type { Program } from '../ir/program.js';
import type { Schedule } from '../ir/schedule.js';
import type { Context, Now } from './context.js';

/** A placement whose offset is still open; `with` names another (by position) whose bytes it takes over, `delta` bytes further on. */
export type Residency = Omit<Placement, 'offset'> & { readonly with?: { readonly placement: number; readonly delta: number } };

/** Residency: which region is in which space when, and the moves; everything but the offsets. */
export interface Mover {
  move(
    program: Program,
    work: Decomposition,
    needs: Dependences,
    schedule: Schedule,
    context: Context,
  ): Now<{ readonly steps: readonly Step[]; readonly residencies: readonly Residency[] }>;
}
export const Mover = Symbol.for('regrain.Mover');
