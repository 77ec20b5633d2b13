import { badInput, type DType, ELEMENT_BYTES, elements, halfToFloat, type Values } from '@regrain/core-ir';

/** NumPy's array files (NEP 1): version 1.0 to 3.0, little-endian, C or Fortran order. */
const CODES: Readonly<Record<string, DType>> = {
  f4: 'float32',
  f2: 'float16',
  f8: 'float64',
  i8: 'int64',
  u8: 'uint64',
  i4: 'int32',
  u4: 'uint32',
  i2: 'int16',
  u2: 'uint16',
  i1: 'int8',
  u1: 'uint8',
  b1: 'bool',
};

/** Reads an array; errors name the file. */
export function parseNpy(bytes: Uint8Array, path: string): Values {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = bytes.length >= 12 && bytes[0] === 0x93 && String.fromCharCode(...bytes.subarray(1, 6)) === 'NUMPY';
  if (!magic) throw badInput(`${path}: not a .npy file (numpy.save writes one)`);
  const long = bytes[6] >= 2;
  const start = long ? 12 : 10;
  const length = long ? view.getUint32(8, true) : view.getUint16(8, true);
  const header = new TextDecoder().decode(bytes.subarray(start, start + length));
  const code = /'descr':\s*'([<|=])([a-z]\d)'/.exec(header);
  const dtype = code ? CODES[code[2]] : undefined;
  if (!dtype)
    throw badInput(
      `${path}: element type ${/'descr':\s*([^,]*)/.exec(header)?.[1] ?? 'unknown'}; use one of ${Object.values(CODES).join(', ')}, little-endian`,
    );
  const shape = (/'shape':\s*\(([^)]*)\)/.exec(header)?.[1] ?? '')
    .split(',')
    .filter((part) => part.trim() !== '')
    .map(Number);
  const count = elements(shape);
  if (!Number.isSafeInteger(count) || bytes.length - start - length < count * ELEMENT_BYTES[dtype])
    throw badInput(
      `${path}: ${bytes.length - start - length} bytes of data, [${shape.join(', ')}] of ${dtype} needs ${count * ELEMENT_BYTES[dtype]}`,
    );
  const data = Float64Array.from({ length: count }, (_, k) => elementAt(view, start + length, k, dtype));
  return { dtype, shape, data: /'fortran_order':\s*True/.test(header) ? fromColumns(data, shape) : data };
}

/** An array as a file of version 1.0. */
export function formatNpy({ dtype, shape, data, splat }: Values): Uint8Array {
  const code = Object.keys(CODES).find((key) => CODES[key] === dtype) as string;
  const width = ELEMENT_BYTES[dtype];
  const order = width === 1 ? '|' : '<';
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const text = `{'descr': '${order}${code}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const padded = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`;
  const bytes = new Uint8Array(10 + padded.length + elements(shape) * width);
  bytes.set([0x93, ...new TextEncoder().encode('NUMPY'), 1, 0, padded.length & 255, padded.length >> 8]);
  bytes.set(new TextEncoder().encode(padded), 10);
  const view = new DataView(bytes.buffer, 10 + padded.length);
  for (let k = 0; k < elements(shape); k++) setElement(view, k, dtype, splat ?? data[k]);
  return bytes;
}

function elementAt(view: DataView, start: number, k: number, dtype: DType): number {
  const at = start + k * ELEMENT_BYTES[dtype];
  switch (dtype) {
    case 'float32':
      return view.getFloat32(at, true);
    case 'float64':
      return view.getFloat64(at, true);
    case 'float16':
      return halfToFloat(view.getUint16(at, true));
    case 'int64':
      return Number(view.getBigInt64(at, true));
    case 'uint64':
      return Number(view.getBigUint64(at, true));
    case 'int32':
      return view.getInt32(at, true);
    case 'uint32':
      return view.getUint32(at, true);
    case 'int16':
      return view.getInt16(at, true);
    case 'uint16':
      return view.getUint16(at, true);
    case 'int8':
      return view.getInt8(at);
    default:
      return view.getUint8(at);
  }
}

function setElement(view: DataView, k: number, dtype: DType, value: number): void {
  const at = k * ELEMENT_BYTES[dtype];
  switch (dtype) {
    case 'float32':
      view.setFloat32(at, value, true);
      break;
    case 'float64':
      view.setFloat64(at, value, true);
      break;
    case 'int64':
      view.setBigInt64(at, BigInt(Math.trunc(value)), true);
      break;
    case 'uint64':
      view.setBigUint64(at, BigInt(Math.trunc(value)), true);
      break;
    case 'int32':
    case 'uint32':
      view.setInt32(at, value, true);
      break;
    case 'int16':
    case 'uint16':
      view.setInt16(at, value, true);
      break;
    case 'float16':
      throw badInput('float16 outputs cannot be written as .npy yet');
    default:
      view.setInt8(at, value);
  }
}

function fromColumns(data: Float64Array, shape: readonly number[]): Float64Array {
  const result = new Float64Array(data.length);
  for (let k = 0; k < data.length; k++) {
    let rest = k;
    let index = 0;
    let step = 1;
    // k counts in column-major order: the first coordinate changes fastest.
    const point = shape.map((extent) => {
      const x = rest % extent;
      rest = Math.floor(rest / extent);
      return x;
    });
    for (let d = shape.length - 1; d >= 0; d--) {
      index += point[d] * step;
      step *= shape[d];
    }
    result[index] = data[k];
  }
  return result;
}
