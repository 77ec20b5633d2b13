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

/** Every choice of a decomposition, and all that an edit changes. `expand(program, grain)` makes regions and tasks of it. */
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
}

/** Addressed by tensor and box, so that it survives renumbering; readers' pieces follow by themselves. */
export type Edit =
  | { readonly kind: 'split'; readonly at: TensorBox; readonly axis: number; readonly cut: number; readonly tasks: boolean }
  | { readonly kind: 'merge'; readonly tensor: number; readonly boxes: readonly [Box, Box]; readonly tasks: boolean }
  | ({ readonly kind: 'recompute' } & Recompute)
  | ({ readonly kind: 'reduce' } & Reduce);

/** The coarsest grain: one region per tensor, one task per operation. */
export function wholeTensorGrain(program: { readonly tensors: readonly unknown[]; readonly operations: readonly unknown[] }): Grain {
  return {
    regions: program.tensors.map(() => []),
    tasks: program.operations.map(() => 'owner' as const),
    order: program.tensors.map(() => []),
    recompute: [],
    reduce: [],
  };
}
