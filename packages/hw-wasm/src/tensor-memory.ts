import { type Box, type DType, halfToFloat, type Values } from '@regrain/core-ir/runtime';
import { HOST_FUNCTIONS } from './codegen/imports.js';
import { STAGED_PIXELS } from './layout/staging.js';
import type { Located } from './layout/view.js';
import type { Action } from './program.js';
import { extentsOf, type Interleaver, type Layout, type Numbers, rowMajor, stridedCopy } from './strided-copy.js';
import type { Interleave, WasmInstance } from './web-assembly.js';

/** A module's memory as tensors see it, and what the host does in it between runs of the module. */
export class TensorMemory {
  private readonly view: DataView;

  private readonly interleave: Interleaver | undefined;

  /** `staging`: where the instance's `interleave` finds its planes; absent where the module has none. */
  constructor(
    readonly buffer: ArrayBufferLike,
    instance?: WasmInstance,
    staging?: number,
  ) {
    this.view = new DataView(buffer);
    if (instance && staging !== undefined) this.interleave = interleaver(buffer, instance.exports.interleave as Interleave, staging);
  }

  /** What needs no operator set. `given`: the inputs by tensor. */
  act(action: Extract<Action, { kind: 'arrive' | 'move' }>, given: readonly (Values | undefined)[]): void {
    if (action.kind === 'arrive') this.write(given[action.tensor] as Values, action.box, action.at);
    else new Uint8Array(this.buffer).copyWithin(action.to, action.from, action.from + action.bytes);
  }

  /** The values of a box alone, in a dense array. */
  readPart(data: { [index: number]: number }, box: Box, at: Located): void {
    const get = this.getter(at.view.dtype);
    let next = 0;
    this.visit(
      box,
      box.map(([, hi]) => hi),
      at,
      (_, address) => {
        data[next++] = get(address);
      },
    );
  }

  writePart({ data }: Values, box: Box, at: Located): void {
    const put = this.putter(at.view.dtype);
    let next = 0;
    this.visit(
      box,
      box.map(([, hi]) => hi),
      at,
      (_, address) => put(address, data[next++]),
    );
  }

  /** Copies a box of a whole tensor into memory. */
  write(values: Values, box: Box, at: Located): void {
    const { shape, splat, data } = values;
    const fast = splat === undefined ? this.elementsOf(at, data as Numbers) : undefined;
    if (fast) {
      const interleave = fast.bits && fast.width === 4 ? this.interleave : undefined;
      stridedCopy(fast.memory, inMemory(box, at, fast.width), fast.data, rowMajor(box, shape), extentsOf(box), interleave);
      return;
    }
    const put = this.putter(at.view.dtype);
    this.visit(box, shape, at, (index, address) => put(address, splat ?? data[index]));
  }

  read(data: Numbers, shape: readonly number[], box: Box, at: Located): void {
    const fast = this.elementsOf(at, data);
    if (fast) {
      stridedCopy(fast.data, rowMajor(box, shape), fast.memory, inMemory(box, at, fast.width), extentsOf(box));
      return;
    }
    const get = this.getter(at.view.dtype);
    this.visit(box, shape, at, (index, address) => {
      data[index] = get(address);
    });
  }

  /**
   * The memory as an array of a view's elements, where they lie at fixed distances and at multiples of their size. Where `data` holds the
   * same type, both become integers of that size: bits are copied, by code that has met no other kind of array.
   */
  private elementsOf({ view, base }: Located, data: Numbers): { memory: Numbers; data: Numbers; width: number; bits: boolean } | undefined {
    const make = ARRAYS[view.dtype];
    if (!make || view.table.length > 0) return undefined;
    const width = make.BYTES_PER_ELEMENT;
    if (base % width !== 0) return undefined;
    const buffer = this.buffer as ArrayBuffer;
    if (!(data instanceof make)) return { memory: new make(buffer), data, width, bits: false };
    const bits = width === 4 ? Int32Array : Uint8Array;
    return { memory: new bits(buffer), data: new bits(data.buffer as ArrayBuffer, data.byteOffset, data.length), width, bits: true };
  }

  /** Every element of a box: its row-major index in the tensor, and its address. */
  private visit(box: Box, shape: readonly number[], { view, base }: Located, each: (index: number, address: number) => void): void {
    const { table, strides } = view;
    const looked = shape.map((_, d) => table.find(({ dimension }) => dimension === d));
    const last = shape.length - 1;
    const walk = (d: number, index: number, entry: number, offset: number): void => {
      const [lo, hi] = box[d] ?? [0, 1];
      for (let x = lo; x < hi; x++) {
        const nextIndex = index * (shape[d] ?? 1) + x;
        const by = looked[d];
        const nextEntry = entry + (by ? 4 * by.stride * Math.floor(x / by.block) : 0);
        const nextOffset = offset + x * (strides[d] ?? 0);
        if (d < last) walk(d + 1, nextIndex, nextEntry, nextOffset);
        else each(nextIndex, table.length > 0 ? this.view.getInt32(nextEntry, true) + nextOffset : nextOffset);
      }
    };
    walk(0, 0, table.length > 0 ? base : 0, table.length > 0 ? 0 : base);
  }

  private putter(dtype: DType): (address: number, value: number) => void {
    const { view } = this;
    switch (dtype) {
      case 'float32':
        return (at, x) => view.setFloat32(at, x, true);
      case 'float64':
        return (at, x) => view.setFloat64(at, x, true);
      case 'float16':
        return (at, x) => view.setUint16(at, HOST_FUNCTIONS.halfBits(x), true);
      case 'int64':
        return (at, x) => view.setBigInt64(at, BigInt(Math.trunc(x)), true);
      case 'uint64':
        return (at, x) => view.setBigUint64(at, BigInt(Math.trunc(x)), true);
      case 'int32':
      case 'uint32':
        return (at, x) => view.setInt32(at, x, true);
      case 'int16':
      case 'uint16':
        return (at, x) => view.setInt16(at, x, true);
      case 'int8':
      case 'uint8':
        return (at, x) => view.setInt8(at, x);
      case 'bool':
        return (at, x) => view.setInt8(at, x === 0 ? 0 : 1);
    }
  }

  private getter(dtype: DType): (address: number) => number {
    const { view } = this;
    switch (dtype) {
      case 'float32':
        return (at) => view.getFloat32(at, true);
      case 'float64':
        return (at) => view.getFloat64(at, true);
      case 'float16':
        return (at) => halfToFloat(view.getUint16(at, true));
      case 'int64':
        return (at) => Number(view.getBigInt64(at, true));
      case 'uint64':
        return (at) => Number(view.getBigUint64(at, true));
      case 'int32':
        return (at) => view.getInt32(at, true);
      case 'uint32':
        return (at) => view.getUint32(at, true);
      case 'int16':
        return (at) => view.getInt16(at, true);
      case 'uint16':
        return (at) => view.getUint16(at, true);
      case 'int8':
        return (at) => view.getInt8(at);
      case 'uint8':
      case 'bool':
        return (at) => view.getUint8(at);
    }
  }
}

const ARRAYS: Readonly<
  Partial<Record<DType, Float32ArrayConstructor | Int32ArrayConstructor | Int8ArrayConstructor | Uint8ArrayConstructor>>
> = {
  float32: Float32Array,
  int32: Int32Array,
  int8: Int8Array,
  uint8: Uint8Array,
};

/** Colours by the module: a few pixels of each plane at a time, which it then interleaves. */
function interleaver(buffer: ArrayBufferLike, interleave: Interleave, staging: number): Interleaver {
  const words = new Int32Array(buffer as ArrayBuffer);
  return (a, from, b, step, count) => {
    const planes = from as unknown as Int32Array;
    for (let k = 0; k < count; k += STAGED_PIXELS) {
      const pixels = Math.min(STAGED_PIXELS, count - k);
      for (let colour = 0; colour < 3; colour++) {
        const start = b + k + colour * step;
        words.set(planes.subarray(start, start + pixels), staging / 4 + colour * STAGED_PIXELS);
      }
      interleave(staging, 4 * (a + 3 * k), pixels);
    }
  };
}

/** How a box lies in memory, in elements of so many bytes. */
function inMemory(box: Box, { view, base }: Located, width: number): Layout {
  const steps = view.strides.map((stride) => stride / width);
  return { start: box.reduce((sum, [lo], d) => sum + lo * steps[d], base / width), steps };
}
