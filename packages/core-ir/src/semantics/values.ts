import type { Values } from '../extension-points/operator-set.js';
import { type DType, elements } from '../ir/tensor.js';

export type NumberArray = Float64Array | Float32Array | Int32Array | Uint32Array | Int16Array | Uint16Array | Int8Array | Uint8Array;

/** Zeroed storage for values of a type: half precision as float32, 64-bit integers as doubles. */
export function arrayFor(dtype: DType, length: number): NumberArray {
  switch (dtype) {
    case 'float32':
    case 'float16':
      return new Float32Array(length);
    case 'float64':
    case 'int64':
    case 'uint64':
      return new Float64Array(length);
    case 'int32':
      return new Int32Array(length);
    case 'uint32':
      return new Uint32Array(length);
    case 'int16':
      return new Int16Array(length);
    case 'uint16':
      return new Uint16Array(length);
    case 'int8':
      return new Int8Array(length);
    case 'uint8':
    case 'bool':
      return new Uint8Array(length);
  }
}

/** Values of one number everywhere; nothing is stored. */
export function splat(dtype: DType, shape: readonly number[], value: number): Values {
  return { dtype, shape, data: [], splat: value };
}

/** The element at a flat index, splat or not. */
export function valueAt(values: Values, index: number): number {
  return values.splat ?? values.data[index];
}

/** The values written out, splat or not. */
export function materialize(values: Values): ArrayLike<number> {
  return values.splat === undefined ? values.data : arrayFor(values.dtype, elements(values.shape)).fill(values.splat);
}
