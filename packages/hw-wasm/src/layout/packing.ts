import { type DType, ELEMENT_BYTES, evaluate, type IndexMap, type Values } from '@regrain/core-ir/runtime';

/**
 * The elements that an operand reads of a constant, laid out by the points of the domain: row-major over `dims`, the last of which is
 * contiguous. `padTo` rounds the last extent up; what is added is 0.
 */
export function packByDomain(
  values: Values,
  map: IndexMap,
  extents: readonly number[],
  dims: readonly number[],
  padTo = 1,
): { readonly data: Float64Array; readonly strides: readonly number[] } {
  const strides = extents.map(() => 0);
  let step = 1;
  [...dims].reverse().forEach((d, k) => {
    strides[d] = step;
    step *= k === 0 ? Math.ceil(extents[d] / padTo) * padTo : extents[d];
  });
  const data = new Float64Array(step);
  const point = extents.map(() => 0);
  const walk = (level: number, at: number): void => {
    if (level < dims.length) {
      const d = dims[level];
      for (let x = 0; x < extents[d]; x++) {
        point[d] = x;
        walk(level + 1, at + x * strides[d]);
      }
      point[d] = 0;
      return;
    }
    data[at] = elementAt(values, map, point);
  };
  walk(0, 0);
  return { data, strides };
}

/** The element that a map yields at a point; 0 outside the tensor. */
export function elementAt(values: Values, map: IndexMap, point: readonly number[]): number {
  if (values.splat !== undefined) return values.splat;
  let index = 0;
  for (let d = 0; d < map.length; d++) {
    const range = map[d];
    const x = range === 'all' ? 0 : evaluate(range.at, point);
    if (x < 0 || x >= values.shape[d]) return 0;
    index = index * values.shape[d] + x;
  }
  return values.data[index];
}

/** Numbers as bytes of a type. */
export function bytesOf(data: ArrayLike<number>, dtype: DType): Uint8Array {
  const bytes = new Uint8Array(data.length * ELEMENT_BYTES[dtype]);
  const view = new DataView(bytes.buffer);
  for (let k = 0; k < data.length; k++) {
    switch (dtype) {
      case 'float32':
        view.setFloat32(4 * k, data[k], true);
        break;
      case 'int32':
        view.setInt32(4 * k, data[k], true);
        break;
      case 'int16':
      case 'uint16':
        view.setInt16(2 * k, data[k], true);
        break;
      default:
        view.setInt8(k, data[k]);
    }
  }
  return bytes;
}
