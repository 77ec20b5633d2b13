import { closeSync, fstatSync, openSync, readSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { arrayFor, badInput, type DType, ELEMENT_BYTES, elements, halfToFloat, unsupported, type Values } from '@regrain/core-ir';
import { DTYPE_OF, type ProtoTensor, toNumber } from './schema.js';

/** No tensor of a model that can be planned has more elements. */
const MOST_ELEMENTS = 2 ** 36;

/** A model file as errors and external data see it. */
export interface Source {
  /** As the user gave it. */
  readonly path: string;
}

/** Checks a shape; `what` names the tensor. */
export function checkedShape(source: Source, what: string, dims: readonly number[]): number[] {
  for (const extent of dims) {
    if (!Number.isSafeInteger(extent) || extent < 0)
      throw badInput(`${source.path}: ${what} has a dimension of ${extent}; dimensions are 0 or more`);
  }
  if (elements(dims) > MOST_ELEMENTS)
    throw badInput(`${source.path}: ${what} of shape [${dims.join(', ')}] is too large; at most 2^36 elements can be planned`);
  return [...dims];
}

/** The values of an initialiser or a tensor attribute. Sizes are checked before anything is read. */
export function readTensor(source: Source, tensor: ProtoTensor, name = tensor.name): Values {
  const what = `tensor ${name || '(unnamed)'}`;
  const dtype = DTYPE_OF[tensor.data_type];
  if (!dtype) throw unsupported(`${source.path}: ${what} has data type ${tensor.data_type}, which is not handled`);
  const shape = checkedShape(source, what, tensor.dims.map(toNumber));
  const count = elements(shape);
  if (tensor.data_location === 1)
    return fromBytes(source, what, dtype, shape, externalBytes(source, what, tensor, count * ELEMENT_BYTES[dtype]));
  if (tensor.raw_data.length > 0) return fromBytes(source, what, dtype, shape, tensor.raw_data);
  const typed = typedField(tensor, dtype);
  if (typed.length !== count) throw wrongLength(source, what, shape, typed.length, count, 'values');
  const data = arrayFor(dtype, count);
  for (let k = 0; k < count; k++) data[k] = dtype === 'float16' ? halfToFloat(typed[k]) : typed[k];
  return compact({ dtype, shape, data });
}

function typedField(tensor: ProtoTensor, dtype: DType): readonly number[] {
  switch (dtype) {
    case 'float32':
      return tensor.float_data;
    case 'float64':
      return tensor.double_data;
    case 'int64':
      return tensor.int64_data.map(toNumber);
    case 'uint64':
    case 'uint32':
      return tensor.uint64_data.map(toNumber);
    default:
      return tensor.int32_data;
  }
}

function fromBytes(source: Source, what: string, dtype: DType, shape: readonly number[], bytes: Uint8Array): Values {
  const count = elements(shape);
  const width = ELEMENT_BYTES[dtype];
  if (bytes.length !== count * width) throw wrongLength(source, what, shape, bytes.length, count * width, 'bytes');
  const aligned = bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes);
  const [buffer, offset] = [aligned.buffer, aligned.byteOffset];
  if (dtype === 'int64') return compact({ dtype, shape, data: Float64Array.from(new BigInt64Array(buffer, offset, count), Number) });
  if (dtype === 'uint64') return compact({ dtype, shape, data: Float64Array.from(new BigUint64Array(buffer, offset, count), Number) });
  if (dtype === 'float16') return compact({ dtype, shape, data: Float32Array.from(new Uint16Array(buffer, offset, count), halfToFloat) });
  const Type = arrayFor(dtype, 0).constructor as new (b: ArrayBufferLike, o: number, n: number) => ArrayLike<number>;
  return compact({ dtype, shape, data: new Type(buffer, offset, count) });
}

function wrongLength(source: Source, what: string, shape: readonly number[], has: number, needs: number, unit: string): Error {
  return badInput(
    `${source.path}: ${what} of shape [${shape.join(', ')}] needs ${needs} ${unit}, but the file holds ${has}; export the model again`,
  );
}

/** Large tensors of one value are kept as that value. */
export function compact(values: Values): Values {
  const { data } = values;
  if (values.splat !== undefined || data.length < 64) return values;
  for (let k = 1; k < data.length; k++) if (data[k] !== data[0]) return values;
  return { dtype: values.dtype, shape: values.shape, data: [], splat: data[0] };
}

/** Bytes from a file beside the model: no absolute path, no way out of its folder, links included. */
function externalBytes(source: Source, what: string, tensor: ProtoTensor, size: number): Uint8Array {
  const entry = (key: string): string | undefined => tensor.external_data.find((pair) => pair.key === key)?.value;
  const location = entry('location');
  if (!location) throw badInput(`${source.path}: ${what} has external data without a location`);
  const refuse = (why: string): Error =>
    badInput(`${source.path}: ${what} has its data in ${location}, ${why}; keep external data in the model's own folder`);
  if (isAbsolute(location) || /^[A-Za-z]:|^\\/.test(location)) throw refuse('an absolute path');
  const folder = realpathSync(dirname(source.path));
  const path = join(folder, location);
  if (leaves(folder, path)) throw refuse("which is outside the model's folder");
  let real: string;
  try {
    real = realpathSync(path);
  } catch {
    throw badInput(`${source.path}: ${what} has its data in ${location}, which does not exist; copy it beside the model`);
  }
  if (leaves(folder, real)) throw refuse("a link that leads outside the model's folder");
  const offset = Number(entry('offset') ?? 0);
  const length = Number(entry('length') ?? size);
  if (!Number.isSafeInteger(offset) || offset < 0 || length !== size)
    throw badInput(
      `${source.path}: ${what} needs ${size} bytes, but its external data names offset ${entry('offset') ?? 0} and length ${entry('length')}`,
    );
  const file = openSync(real, 'r');
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw refuse('which is no file');
    if (offset + size > stat.size)
      throw badInput(`${source.path}: ${what} needs bytes ${offset} to ${offset + size} of ${location}, which has ${stat.size}`);
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size; ) {
      const got = readSync(file, bytes, at, size - at, offset + at);
      if (got === 0) throw badInput(`${source.path}: ${location} ended while ${what} was read`);
      at += got;
    }
    return bytes;
  } finally {
    closeSync(file);
  }
}

function leaves(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way);
}
