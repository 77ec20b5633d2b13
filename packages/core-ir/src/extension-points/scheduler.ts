import type { Decomposition } from '../ir/decomposition.js';
import type { Dependences } from '../ir/dependences.js';
import type { Program } from '../ir/program.js';
import type { Schedule } from '../ir/schedule.js';
import type { Context, Now } from './context.js';

/** Chooses the order of the tasks and the engine of each. Any order that obeys `needs` and the `before` constraints is legal. */
export interface Scheduler {
  schedule(program: Program, work: Decomposition, needs: Dependences, context: Context): Now<Schedule>;
}
export const Scheduler = Symbol.for('regrain.Scheduler');
