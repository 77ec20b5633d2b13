import type { Context, Now } from './context.js';

/** A buffer of a packing, live from `first` to `last`, both included. */
export interface Buffer {
  readonly bytes: number;
  readonly align: number;
  readonly first: number;
  readonly last: number;
  /** The offset is given. */
  readonly fixed?: number;
  /** Lies `delta` bytes behind another buffer, whose bytes it may share. */
  readonly with?: { readonly buffer: number; readonly delta: number };
}

/** Dynamic storage allocation in one space: buffers that live at the same time must not overlap (unless tied by `with`). */
export interface Packing {
  /** May be `Infinity`. */
  readonly capacity: number;
  readonly buffers: readonly Buffer[];
  /** Wishes: `b` starts where `a` ends, worth so many bytes. */
  readonly near: readonly (readonly [a: number, b: number, bytes: number])[];
  /** For wishes a placement may be higher by this share than one without them; 0 if absent. */
  readonly slack?: number;
  /** Offsets that this allocator gave the same buffers when there were no wishes: where to begin, instead of searching for them again. */
  readonly start?: Float64Array;
}

export type Packed =
  | { readonly ok: true; readonly offsets: Float64Array; readonly height: number; readonly optimal: boolean }
  /** `proved`: no packing exists; `at`: the time at which it fails; `buffers`: what lives then. */
  | { readonly ok: false; readonly proved: boolean; readonly required: number; readonly at: number; readonly buffers: readonly number[] };

/** Gives every buffer of one space its offset. */
export interface Allocator {
  place(problem: Packing, context: Context): Now<Packed>;
}
export const Allocator = Symbol.for('regrain.Allocator');
