import type { DType } from '@regrain/core-ir';
import type { Local } from '../function-builder.js';

/** Four neighbouring elements: in one register of floats or integers, or in two of doubles. */
export type Lanes =
  | { readonly kind: 'f32'; readonly v: Local }
  | { readonly kind: 'i32'; readonly v: Local }
  | { readonly kind: 'f64'; readonly low: Local; readonly high: Local };

export const ZERO = new Array<number>(16).fill(0);

/** Types that lanes can load. */
export function hasLanes(dtype: DType): boolean {
  return ['float32', 'int32', 'int16', 'uint16', 'int8', 'uint8', 'bool'].includes(dtype);
}
