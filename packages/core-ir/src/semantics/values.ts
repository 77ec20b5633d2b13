import { RegrainError } from '../errors.js';
import type { Values } from '../extension-points/operator-set.js';
import type { Program } from '../ir/program.js';
import { type DType, elements } from '../ir/tensor.js';
import { halfToFloat } from './half.js';

/** What holds the values of a type: 64-bit integers are doubles, float16 is float32 (rounded to half where stored), bool is 0 or 1. */
export type NumberArray =
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>;

const ARRAYS = {
  float32: Float32Array,
  float16: Float32Array,
  float64: Float64Array,
  int64: Float64Array,
  uint64: Float64Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const;

/** Zeroed storage for values of a type. */
export function arrayFor(dtype: DType, length: number): NumberArray {
  return new ARRAYS[dtype](length);
}

/** The same in memory that workers see too. */
export function sharedArrayFor(dtype: DType, length: number): ArrayLike<number> {
  const Typed = ARRAYS[dtype];
  // No memory of 0 bytes: not every engine shares that.
  return new Typed(new SharedArrayBuffer(Math.max(1, length) * Typed.BYTES_PER_ELEMENT) as unknown as ArrayBuffer, 0, length);
}

/** The values of a constant tensor, out of the program's constants; a view where bytes and alignment allow. */
export function constantValues(program: Program, tensor: number, constants: Uint8Array): Values {
  const { dtype, shape, data, name } = program.tensors[tensor];
  if (!data) throw new RegrainError('internal', `tensor ${name} has no constant data`);
  if ('splat' in data) return splat(dtype, shape, data.splat);
  const count = elements(shape);
  const width = dtype === 'float16' ? 2 : ARRAYS[dtype].BYTES_PER_ELEMENT;
  if (data.offset + count * width > constants.byteLength) {
    throw new RegrainError(
      'bad-input',
      `constant ${name} ends at byte ${data.offset + count * width}, beyond the ${constants.byteLength} bytes given`,
    );
  }
  const start = constants.byteOffset + data.offset;
  if (dtype === 'int64' || dtype === 'uint64') {
    const view = new DataView(constants.buffer, start, count * 8);
    const signed = dtype === 'int64';
    const wide = Float64Array.from({ length: count }, (_, i) => {
      const high = signed ? view.getInt32(i * 8 + 4, true) : view.getUint32(i * 8 + 4, true);
      return high * 2 ** 32 + view.getUint32(i * 8, true);
    });
    return { dtype, shape, data: wide };
  }
  if (dtype === 'float16') {
    const view = new DataView(constants.buffer, start, count * 2);
    return { dtype, shape, data: Float32Array.from({ length: count }, (_, i) => halfToFloat(view.getUint16(i * 2, true))) };
  }
  if (start % width === 0) return { dtype, shape, data: new ARRAYS[dtype](constants.buffer as ArrayBuffer, start, count) };
  return { dtype, shape, data: new ARRAYS[dtype](constants.slice(data.offset, data.offset + count * width).buffer) };
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
