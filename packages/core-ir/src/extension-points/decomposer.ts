import type { Grain } from '../ir/grain.js';
import type { Program } from '../ir/program.js';
import type { Context, Now } from './context.js';

/** Cuts a program into regions and tasks, from how its operations access their tensors. */
export interface Decomposer {
  decompose(program: Program, context: Context): Now<Grain>;
}
export const Decomposer = Symbol.for('regrain.Decomposer');
