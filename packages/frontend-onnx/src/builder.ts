import { createHash } from 'node:crypto';
import {
  arrayFor,
  type DType,
  domainBox,
  type Expr,
  elements,
  type IndexMap,
  type Operand,
  type Operation,
  type Program,
  type Tensor,
  type Values,
} from '@regrain/core-ir';
import { composed, isBox, isWhole, type View, wholeView } from './view.js';

/** A value of the model on its way into the program: known at load time, or a view of a stored tensor. */
export interface Value {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly values?: Values;
  view?: View;
  /** The view written out, once somebody needed that. */
  copy?: View;
}

interface Draft {
  name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly kind: Tensor['kind'];
  readonly values?: Values;
}

/** Collects tensors and operations; reads of views are composed into their readers' index maps, or written out where no map says it. */
export class ProgramBuilder {
  readonly tensors: Draft[] = [];
  readonly operations: Operation[] = [];
  private readonly tensorNames = new Set<string>();
  private readonly operationNames = new Set<string>();

  tensor(name: string, shape: readonly number[], dtype: DType, kind: Tensor['kind'], values?: Values): number {
    return this.tensors.push({ name: unique(name, this.tensorNames), shape, dtype, kind, ...(values ? { values } : {}) }) - 1;
  }

  /** The stored tensor of a value that is known at load time is made when it is first read. */
  viewOf(value: Value, name: string): View {
    if (!value.view)
      value.view = wholeView(this.tensor(name, value.shape, value.dtype, 'constant', value.values), value.shape, value.dtype);
    return value.view;
  }

  /** Appends an operation whose operands number `values` first, then `own` tensors. */
  append(operation: Operation, values: readonly { readonly value: Value; readonly name: string }[], own: readonly number[]): void {
    const domain = domainBox(operation);
    const operands = operation.operands.map((operand): Operand => {
      if (operand.tensor >= values.length) return { ...operand, tensor: own[operand.tensor - values.length] };
      const { value, name } = values[operand.tensor];
      const view = value.copy ?? this.viewOf(value, name);
      const shape = this.tensors[view.tensor].shape;
      const found = isWhole(view, shape) ? operand : composed(view, operand.map, shape, operand.outside, domain);
      if (
        found &&
        (operation.body === undefined
          ? isWhole(view, shape) || isBox(view)
          : found.map.every((range) => range !== 'all' && (range.size ?? 1) === 1))
      ) {
        return {
          mode: operand.mode,
          tensor: view.tensor,
          map: found.map,
          ...(found.outside === undefined ? {} : { outside: found.outside }),
        };
      }
      return { ...operand, tensor: this.written(value, name).tensor };
    });
    this.operations.push({
      ...operation,
      name: unique(operation.name, this.operationNames),
      operands: operands.map((operand, i) => ({ ...operand, ...inPlace(operation, operands, i, this.tensors) })),
    });
  }

  /** The value as a tensor of its own: the view copied, if it is one. */
  written(value: Value, name: string): View {
    const view = this.viewOf(value, name);
    const { shape, kind } = this.tensors[view.tensor];
    if (isWhole(view, shape) && kind !== 'input') return view;
    if (!value.copy) {
      const tensor = this.tensor(name, value.shape, value.dtype, 'computed');
      this.copy(
        view,
        tensor,
        value.shape.map(() => 0),
      );
      value.copy = wholeView(tensor, value.shape, value.dtype);
    }
    return value.copy;
  }

  /** Copies a view into a tensor, from `offset` on. */
  copy(view: View, tensor: number, offset: readonly number[]): void {
    const to: IndexMap = offset.map((at, d) => ({ at: at === 0 ? { d } : (['+', { d }, at] as Expr) }));
    const from: Operand = {
      tensor: view.tensor,
      mode: 'read',
      map: view.map.map((at) => ({ at })),
      ...(view.outside === undefined ? {} : { outside: view.outside }),
    };
    this.operations.push({
      name: unique(`copy of ${this.tensors[view.tensor].name}`, this.operationNames),
      type: 'Copy',
      attributes: {},
      domain: view.shape.map((extent) => ({ extent, kind: 'parallel' })),
      operands: [from, { tensor, mode: 'write', map: to }],
      body: { acc: view.dtype, init: 0, step: 0, finish: { x: 0 } },
      macs: 0,
    });
  }

  /** Gives a tensor the very name that an output of the model has; who had it before gets another. */
  rename(tensor: number, name: string): void {
    if (this.tensors[tensor].name === name) return;
    const other = this.tensors.find((draft) => draft.name === name);
    if (other) other.name = unique(name, this.tensorNames);
    this.tensorNames.delete(this.tensors[tensor].name);
    this.tensorNames.add(name);
    this.tensors[tensor].name = name;
  }

  /** The program and its constants, without what nobody reads. */
  finish(
    name: string,
    outputs: readonly number[],
    operations: readonly Operation[] = this.operations,
  ): { program: Program; constants: Uint8Array } {
    const needed = new Set(outputs);
    const kept: Operation[] = [];
    for (const operation of operations.toReversed()) {
      if (!operation.operands.some(({ tensor, mode }) => mode !== 'read' && needed.has(tensor))) continue;
      kept.unshift(operation);
      for (const { tensor } of operation.operands) needed.add(tensor);
    }
    this.tensors.forEach(({ kind }, id) => {
      if (kind === 'input') needed.add(id);
    });
    const renumber = new Map<number, number>();
    this.tensors.forEach((_, id) => {
      if (needed.has(id)) renumber.set(id, renumber.size);
    });
    const at = (id: number): number => renumber.get(id) as number;
    const parts: Uint8Array[] = [];
    let offset = 0;
    const tensors = this.tensors
      .filter((_, id) => needed.has(id))
      .map(({ values, ...tensor }): Tensor => {
        if (!values) return tensor;
        if (values.splat !== undefined) return { ...tensor, data: { splat: values.splat } };
        const bytes = encode(values);
        const data = { offset, sha256: createHash('sha256').update(bytes).digest('hex') };
        parts.push(bytes);
        const padding = (8 - (bytes.length % 8)) % 8;
        if (padding > 0) parts.push(new Uint8Array(padding));
        offset += bytes.length + padding;
        return { ...tensor, data };
      });
    const constants = new Uint8Array(offset);
    let to = 0;
    for (const part of parts) {
      constants.set(part, to);
      to += part.length;
    }
    const program: Program = {
      name,
      tensors,
      operations: kept.map((operation) => ({
        ...operation,
        operands: operation.operands.map((operand) => ({ ...operand, tensor: at(operand.tensor) })),
      })),
      outputs: outputs.map(at),
      states: [],
    };
    return { program, constants };
  }
}

function unique(name: string, taken: Set<string>): string {
  let candidate = name;
  for (let k = 1; taken.has(candidate); k++) candidate = `${name}~${k}`;
  taken.add(candidate);
  return candidate;
}

/** Only where the operand is still read at the place where the result is written. */
function inPlace(operation: Operation, operands: readonly Operand[], i: number, tensors: readonly Draft[]): { inPlaceOf?: number } {
  const position = operation.operands[i].inPlaceOf;
  if (position === undefined) return { inPlaceOf: undefined };
  const read = operands[position];
  const same = tensors[read.tensor].kind !== 'constant' && JSON.stringify(read.map) === JSON.stringify(operands[i].map);
  return { inPlaceOf: same ? position : undefined };
}

function encode({ dtype, shape, data }: Values): Uint8Array {
  const count = elements(shape);
  if (dtype === 'int64' || dtype === 'uint64') {
    const wide = new BigInt64Array(count);
    for (let k = 0; k < count; k++) wide[k] = BigInt(data[k]);
    return new Uint8Array(wide.buffer);
  }
  if (dtype === 'float16') {
    const half = new Uint16Array(count);
    for (let k = 0; k < count; k++) half[k] = floatToHalf(data[k]);
    return new Uint8Array(half.buffer);
  }
  const array = arrayFor(dtype, count);
  for (let k = 0; k < count; k++) array[k] = data[k];
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** To the nearest binary16, ties to even. */
function floatToHalf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const a = Math.abs(value);
  if (Number.isNaN(a)) return 0x7e00;
  if (a >= 65520) return sign | 0x7c00;
  const exponent = Math.max(-14, Math.floor(Math.log2(a || 2 ** -30)));
  const steps = a / 2 ** (exponent - 10);
  const below = Math.floor(steps);
  const rest = steps - below;
  const rounded = rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
  return sign | (exponent === -14 && rounded < 1024 ? rounded : ((exponent + 15) << 10) + rounded - 1024);
}
