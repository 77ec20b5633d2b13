import type { Box } from './box.js';
import type { TensorBox } from './tensor.js';

/** Computes the box of `tensor` that `reader` needs in a replica of its own: private along `along`, shared along the other dimensions. */
export interface Recompute {
  readonly tensor: number;
  /** The reading operation. */
  readonly reader: number;
  /** Dimensions of the tensor. */
  readonly along: readonly number[];
}

/** Splits a reduction dimension of an operation into `parts` partial sums over one accumulator. */
export interface Reduce {
  readonly operation: number;
  readonly axis: number;
  readonly parts: number;
}

/**
 * Operations that run a second time for some of their readers: what these read need not be stored until then. Where that leaves
 * nobody who reads the originals, the operations have moved: later, or earlier.
 */
export interface Copy {
  /** Ascending, all before the readers. */
  readonly operations: readonly number[];
  /** They read the copies' results in place of the originals'. */
  readonly readers: readonly number[];
  /** They stand before this operation; absent: before the first of the readers. */
  readonly at?: number;
}

/**
 * Every choice of a decomposition, and all that an edit changes. `expand(program, grain)` makes regions and tasks of it. With `copies`,
 * every operation and tensor that the other members count is one of the program that `extended` makes of them.
 */
export interface Grain {
  /** Per tensor: disjoint boxes of any size that cover it; `[]` = one region. */
  readonly regions: readonly (readonly Box[])[];
  /** Per operation: boxes that cover its domain; `'owner'` = one task per region that it writes. */
  readonly tasks: readonly (readonly Box[] | 'owner')[];
  /** Per tensor: its dimensions, outermost first; `[]` = as they are. */
  readonly order: readonly (readonly number[])[];
  readonly recompute: readonly Recompute[];
  readonly reduce: readonly Reduce[];
  /** Positions of operations at which the decomposer means a streamed segment to begin, ascending: advice to schedulers. */
  readonly segments?: readonly number[];
  /** In order: a later one counts operations and tensors of the program as the earlier ones extended it. */
  readonly copies?: readonly Copy[];
}

/** Addressed by tensor and box, so that it survives renumbering; readers' pieces follow by themselves. */
export type Edit =
  | { readonly kind: 'split'; readonly at: TensorBox; readonly axis: number; readonly cut: number; readonly tasks: boolean }
  | { readonly kind: 'merge'; readonly tensor: number; readonly boxes: readonly [Box, Box]; readonly tasks: boolean }
  | ({ readonly kind: 'recompute' } & Recompute)
  | ({ readonly kind: 'reduce' } & Reduce);

/** Shared: of a million tensors each would have two lists of its own. */
const NONE: readonly never[] = [];

/** The coarsest grain: one region per tensor, one task per operation. */
export function wholeTensorGrain(program: { readonly tensors: readonly unknown[]; readonly operations: readonly unknown[] }): Grain {
  return {
    regions: program.tensors.map(() => NONE),
    tasks: program.operations.map(() => 'owner' as const),
    order: program.tensors.map(() => NONE),
    recompute: [],
    reduce: [],
  };
}
