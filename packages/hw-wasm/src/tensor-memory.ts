import { type Box, type DType, halfToFloat, type Values } from '@regrain/core-ir/runtime';
import { HOST_FUNCTIONS } from './codegen/imports.js';
import { STAGED_PIXELS } from './layout/staging.js';
import type { Located } from './layout/view.js';
import type { Action } from './program.js';
import {
  copyElements,
  extentsOf,
  type Interleaver,
  type Layout,
  type Numbers,
  rowMajor,
  type StridedCopy,
  stridedCopy,
} from './strided-copy.js';
import type { Interleave, WasmInstance } from './web-assembly.js';

/** A module's memory as tensors see it, and what the host does in it between runs of the module. */
export class TensorMemory {
  private readonly view: DataView;
  private readonly words: Int32Array;
  private readonly bytes: Uint8Array;
  private readonly interleave: Interleaver | undefined;
  /** How boxes have been copied before, by where they lie. */
  private readonly writes = new WeakMap<Located, Way>();
  private readonly reads = new WeakMap<Located, Way>();

  /** `staging`: where the instance's `interleave` finds its planes; absent where the module has none. */
  constructor(
    readonly buffer: ArrayBufferLike,
    instance?: WasmInstance,
    staging?: number,
  ) {
    this.view = new DataView(buffer);
    this.words = new Int32Array(buffer as ArrayBuffer);
    this.bytes = new Uint8Array(buffer as ArrayBuffer);
    if (instance && staging !== undefined) this.interleave = interleaver(this.words, instance.exports.interleave as Interleave, staging);
  }

  /** What needs no operator set. `given`: the inputs by tensor. */
  act(action: Extract<Action, { kind: 'arrive' | 'move' }>, given: readonly (Values | undefined)[]): void {
    if (action.kind === 'arrive') this.write(given[action.tensor] as Values, action.box, action.at);
    else this.bytes.copyWithin(action.to, action.from, action.from + action.bytes);
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
      const way = known(this.writes, box, at, () => stridedCopy(inMemory(box, at, fast.width), rowMajor(box, shape), extentsOf(box)));
      copyElements(way, fast.memory, fast.data, interleave);
      return;
    }
    const put = this.putter(at.view.dtype);
    this.visit(box, shape, at, (index, address) => put(address, splat ?? data[index]));
  }

  read(data: Numbers, shape: readonly number[], box: Box, at: Located): void {
    const fast = this.elementsOf(at, data);
    if (fast) {
      const way = known(this.reads, box, at, () => stridedCopy(rowMajor(box, shape), inMemory(box, at, fast.width), extentsOf(box)));
      copyElements(way, fast.data, fast.memory);
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
    if (!(data instanceof make)) return { memory: new make(this.buffer as ArrayBuffer), data, width, bits: false };
    const { buffer, byteOffset, length } = data as Float32Array<ArrayBuffer>;
    return width === 4
      ? { memory: this.words, data: new Int32Array(buffer, byteOffset, length), width, bits: true }
      : { memory: this.bytes, data: new Uint8Array(buffer, byteOffset, length), width, bits: true };
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

interface Way {
  readonly box: Box;
  readonly copy: StridedCopy;
}

/** What was found for a box the last time, or is found now. */
function known(ways: WeakMap<Located, Way>, box: Box, at: Located, find: () => StridedCopy): StridedCopy {
  const before = ways.get(at);
  if (before?.box === box) return before.copy;
  const copy = find();
  ways.set(at, { box, copy });
  return copy;
}

/** Colours by the module: a few pixels of each plane at a time, which it then interleaves. */
function interleaver(words: Int32Array, interleave: Interleave, staging: number): Interleaver {
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
