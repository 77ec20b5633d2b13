import type { Program } from '../ir/program.js';
import type { Now } from './context.js';
import type { Values } from './operator-set.js';

/** Sizes that the user gives to open dimensions. */
export interface Freeze {
  /** By the name of a symbolic dimension (`--dim NAME=N`). */
  readonly dims: Readonly<Record<string, number>>;
  /** By the name of an input (`--shape INPUT=1,3,64,64`). */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** Values of inputs that are to be constants of the program: shapes, axes and the like that a model takes as inputs. */
  readonly values?: ReadonlyMap<string, Values>;
}

export interface Loaded {
  readonly program: Program;
  /** The bytes of all constants that are not splats. */
  readonly constants: Uint8Array;
}

/** Reads one file format. The first contribution that accepts a file loads it. */
export interface Frontend {
  /** Decides by name and first bytes; `head` holds up to 4 KiB. */
  accepts(path: string, head: Uint8Array): boolean;
  load(path: string, freeze: Freeze): Now<Loaded>;
}
export const Frontend = Symbol.for('regrain.Frontend');
