import type { Box } from './box.js';

export const DTYPES = [
  'float32',
  'float16',
  'float64',
  'int64',
  'uint64',
  'int32',
  'uint32',
  'int16',
  'uint16',
  'int8',
  'uint8',
  'bool',
] as const;
export type DType = (typeof DTYPES)[number];

/** Bytes of one element. */
export const ELEMENT_BYTES: Readonly<Record<DType, number>> = {
  float32: 4,
  float16: 2,
  float64: 8,
  int64: 8,
  uint64: 8,
  int32: 4,
  uint32: 4,
  int16: 2,
  uint16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
};

/**
 * Where a constant's values are: `offset` bytes into the program's constants (little-endian, row-major, 8-byte aligned), or one
 * value for every element (`splat`), which takes no bytes there.
 */
export type ConstantData = { readonly offset: number; readonly sha256: string } | { readonly splat: number };

/** A named n-d array. Its id is its position in `Program.tensors`. */
export interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** Who writes it: the caller, the model file, or an operation. */
  readonly kind: 'input' | 'constant' | 'computed';
  readonly data?: ConstantData;
}

export interface TensorBox {
  readonly tensor: number;
  readonly box: Box;
}

export function elements(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

export function tensorBytes(tensor: Pick<Tensor, 'shape' | 'dtype'>): number {
  return elements(tensor.shape) * ELEMENT_BYTES[tensor.dtype];
}
