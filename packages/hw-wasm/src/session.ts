import {
  arrayFor,
  type Box,
  constantValues,
  type DType,
  domainBox,
  type EvaluateOpaque,
  elements,
  halfToFloat,
  interpretOperation,
  type Observations,
  type Operation,
  type Plan,
  RegrainError,
  sameBox,
  type Values,
  volume,
} from '@regrain/core-ir';
import { HOST_FUNCTIONS } from './codegen/imports.js';
import type { Located } from './layout/view.js';
import { observationsOf } from './observe.js';
import type { Action, WasmProgram } from './program.js';
import { type WasmInstance, type WasmMemory, webAssembly } from './web-assembly.js';

export interface SessionOptions {
  /** Computes operations without a body. */
  readonly evaluateOpaque?: EvaluateOpaque;
  /** Fills the arena with this byte before every run: what a plan computes must not depend on it. */
  readonly poison?: number;
}

/** A plan that is ready to run, as often as wanted. Not reentrant. */
export class WasmSession {
  readonly memory: WasmMemory;
  private readonly view: DataView;
  private readonly call: (from: number, to: number) => void;
  private readonly states = new Map<number, Values>();

  private constructor(
    readonly plan: Plan,
    readonly program: WasmProgram,
    private readonly constants: Uint8Array,
    instance: WasmInstance,
    memory: WasmMemory,
    private readonly options: SessionOptions,
  ) {
    this.memory = memory;
    this.view = new DataView(memory.buffer);
    this.call = instance.exports.run as (from: number, to: number) => void;
    new Uint8Array(memory.buffer).set(program.data.bytes, program.data.address);
  }

  static async open(plan: Plan, constants: Uint8Array, program: WasmProgram, options: SessionOptions = {}): Promise<WasmSession> {
    const pages = Math.max(1, Math.ceil(program.memoryBytes / 65536));
    let memory: WasmMemory;
    try {
      memory = new webAssembly.Memory({ initial: pages, maximum: 65536 });
    } catch {
      throw new RegrainError('infeasible', `${plan.program.name}: ${program.memoryBytes} bytes of memory cannot be had`);
    }
    const module = await webAssembly.compile(program.module);
    const instance = await webAssembly.instantiate(module, { host: { memory, ...HOST_FUNCTIONS } });
    return new WasmSession(plan, program, constants, instance, memory, options);
  }

  /** Runs once. `inputs` by name, checked against the program; the result holds the outputs by name. */
  run(inputs: ReadonlyMap<string, Values>): Map<string, Values> {
    return this.runWith(inputs, (action, given) => this.act(action, given));
  }

  /** Runs once with a clock at every step: slower by the clock's own cost, and what took how long. */
  observe(inputs: ReadonlyMap<string, Values>): { readonly outputs: Map<string, Values>; readonly seen: Observations } {
    const { steps } = this.plan;
    const [start, end] = [new Float64Array(steps.length), new Float64Array(steps.length)];
    const began = performance.now();
    const now = (): number => (performance.now() - began) * 1e6;
    let last = 0;
    const timed = (step: number, work: () => void): void => {
      start[step] = now();
      work();
      last = end[step] = now();
    };
    const outputs = this.runWith(inputs, (action, given) => {
      if (action.kind === 'run') {
        for (let entry = action.from; entry < action.to; entry++)
          timed(this.program.schedule[entry].step, () => this.call(entry, entry + 1));
      } else if (action.kind === 'arrive') this.act(action, given);
      else timed(action.step, () => this.act(action, given));
    });
    // Steps that need no work of the module's take no time where they stand.
    for (let s = steps.length - 1; s >= 0; s--) if (end[s] === 0) start[s] = end[s] = last;
    return { outputs, seen: observationsOf(this.plan, start, end) };
  }

  private runWith(
    inputs: ReadonlyMap<string, Values>,
    act: (action: Action, given: readonly (Values | undefined)[]) => void,
  ): Map<string, Values> {
    const given = this.check(inputs);
    const { program, plan } = this;
    if (this.options.poison !== undefined) new Uint8Array(this.memory.buffer, 0, program.arenaBytes).fill(this.options.poison);
    for (const { tensor, box, at } of program.external) this.write(given[tensor] as Values, box, at);
    for (const action of program.actions) act(action, given);
    const outputs = new Map<string, Values>();
    for (const tensor of plan.program.outputs) outputs.set(plan.program.tensors[tensor].name, this.result(tensor, given));
    this.keepStates(given);
    return outputs;
  }

  private act(action: Action, given: readonly (Values | undefined)[]): void {
    switch (action.kind) {
      case 'run':
        this.call(action.from, action.to);
        break;
      case 'arrive':
        this.write(given[action.tensor] as Values, action.box, action.at);
        break;
      case 'move':
        new Uint8Array(this.memory.buffer).copyWithin(action.to, action.from, action.from + action.bytes);
        break;
      case 'host':
        this.host(action);
    }
  }

  /** The values of the inputs by tensor, states among them. */
  private check(inputs: ReadonlyMap<string, Values>): (Values | undefined)[] {
    const { tensors, states, name: model } = this.plan.program;
    const fed = new Map(states.map(({ to }) => [to.tensor, true]));
    const names = tensors.filter(({ kind }, t) => kind === 'input' && !fed.has(t)).map(({ name }) => name);
    for (const name of inputs.keys()) {
      if (!tensors.some((tensor) => tensor.kind === 'input' && tensor.name === name))
        throw new RegrainError('bad-input', `${model} has no input ${name}; it has ${names.join(', ')}`);
    }
    return tensors.map(({ kind, name, shape, dtype }, t) => {
      if (kind !== 'input') return undefined;
      const values =
        inputs.get(name) ?? this.states.get(t) ?? (fed.has(t) ? { dtype, shape, data: arrayFor(dtype, elements(shape)) } : undefined);
      if (!values) throw new RegrainError('bad-input', `input ${name} of ${model} is missing; it is ${dtype} [${shape.join(', ')}]`);
      if (
        values.dtype !== dtype ||
        values.shape.join() !== shape.join() ||
        (values.splat === undefined && values.data.length !== elements(shape))
      )
        throw new RegrainError(
          'bad-input',
          `input ${name} of ${model} is ${dtype} [${shape.join(', ')}], not ${values.dtype} [${values.shape.join(', ')}]`,
        );
      return values;
    });
  }

  private host(action: Extract<Action, { kind: 'host' }>): void {
    const { program } = this.plan;
    const operation = program.operations[action.operation];
    const part = this.hostPart(action, operation);
    const writes = operation.operands.flatMap(({ mode, tensor }, k) => (mode === 'read' ? [] : [{ k, ...program.tensors[tensor] }]));
    if (part) {
      for (const { k, values } of part)
        for (const each of action.operands) if (each.operand === k) this.writePart(values, each.box, each.at);
      return;
    }
    const reads = operation.operands.map(({ tensor, mode }, k): Values | undefined => {
      if (mode !== 'read') return undefined;
      const { dtype, shape, kind } = program.tensors[tensor];
      if (kind === 'constant') return constantValues(program, tensor, this.constants);
      const data = arrayFor(dtype, elements(shape));
      for (const each of action.operands) if (each.operand === k) this.read(data, shape, each.box, each.at);
      return { dtype, shape, data };
    });
    const results = interpretOperation(operation, reads, writes, this.options.evaluateOpaque);
    writes.forEach(({ k }, i) => {
      for (const each of action.operands) if (each.operand === k) this.write(results[i], each.box, each.at);
    });
  }

  /** A part of an operation computed from just what it reads, where its operator set can do that: the results then have the part's size. */
  private hostPart(action: Extract<Action, { kind: 'host' }>, operation: Operation): { k: number; values: Values }[] | undefined {
    const { program } = this.plan;
    if (sameBox(action.box, domainBox(operation))) return undefined;
    const reads: Values[] = [];
    for (const [k, { tensor, mode }] of operation.operands.entries()) {
      if (mode !== 'read') continue;
      const pieces = action.operands.filter(({ operand }) => operand === k);
      if (program.tensors[tensor].kind === 'constant' || pieces.length !== 1) return undefined;
      const [{ box, at, dtype }] = pieces;
      const shape = box.map(([lo, hi]) => hi - lo);
      const data = arrayFor(dtype, elements(shape));
      this.readPart(data, box, at);
      reads.push({ dtype, shape, data });
    }
    const results = this.options.evaluateOpaque?.(operation, reads);
    const written = operation.operands.flatMap(({ mode }, k) => (mode === 'read' ? [] : [k]));
    const parts = written.map((k, i) => ({ k, values: results?.[i], pieces: action.operands.filter(({ operand }) => operand === k) }));
    const fits = parts.every(({ values, pieces }) => values && pieces.length === 1 && values.data.length === volume(pieces[0].box));
    return fits ? parts.map(({ k, values }) => ({ k, values: values as Values })) : undefined;
  }

  private readPart(data: { [index: number]: number }, box: Box, at: Located): void {
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

  private writePart({ data }: Values, box: Box, at: Located): void {
    const put = this.putter(at.view.dtype);
    let next = 0;
    this.visit(
      box,
      box.map(([, hi]) => hi),
      at,
      (_, address) => put(address, data[next++]),
    );
  }

  private result(tensor: number, given: readonly (Values | undefined)[]): Values {
    const { program } = this.plan;
    const { dtype, shape, kind } = program.tensors[tensor];
    if (kind === 'constant') return constantValues(program, tensor, this.constants);
    if (kind === 'input') return given[tensor] as Values;
    const data = arrayFor(dtype, elements(shape));
    for (const each of this.program.held) if (each.tensor === tensor) this.read(data, shape, each.box, each.at);
    return { dtype, shape, data };
  }

  private keepStates(given: readonly (Values | undefined)[]): void {
    for (const { from, to } of this.plan.program.states) {
      const values = this.result(from.tensor, given);
      const { dtype, shape } = this.plan.program.tensors[to.tensor];
      const old = this.states.get(to.tensor) ?? { dtype, shape, data: arrayFor(dtype, elements(shape)) };
      copyBox(values, from.box, old, to.box);
      this.states.set(to.tensor, old);
    }
  }

  /** Copies a box of a whole tensor into memory. */
  private write(values: Values, box: Box, at: Located): void {
    const { shape, splat, data } = values;
    const fast = splat === undefined && at.view.table.length === 0 ? this.elementsOf(at) : undefined;
    if (fast) {
      stridedCopy(box, shape, at.view.strides, fast.width, (from, to, count, stride) => {
        for (let k = 0, a = from, b = fast.origin + to; k < count; k++, a++, b += stride) fast.array[b] = data[a];
      });
      return;
    }
    const put = this.putter(at.view.dtype);
    this.visit(box, shape, at, (index, address) => put(address, splat ?? data[index]));
  }

  private read(data: { [index: number]: number }, shape: readonly number[], box: Box, at: Located): void {
    const fast = at.view.table.length === 0 ? this.elementsOf(at) : undefined;
    if (fast) {
      stridedCopy(box, shape, at.view.strides, fast.width, (from, to, count, stride) => {
        for (let k = 0, a = from, b = fast.origin + to; k < count; k++, a++, b += stride) data[a] = fast.array[b];
      });
      return;
    }
    const get = this.getter(at.view.dtype);
    this.visit(box, shape, at, (index, address) => {
      data[index] = get(address);
    });
  }

  /** The memory as an array of a view's elements, where its addresses are multiples of their size. */
  private elementsOf({ view, base }: Located): { array: { [index: number]: number }; width: number; origin: number } | undefined {
    const make = ARRAYS[view.dtype];
    if (!make) return undefined;
    const width = make.BYTES_PER_ELEMENT;
    return base % width === 0 ? { array: new make(this.memory.buffer), width, origin: base / width } : undefined;
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

function copyBox(from: Values, fromBox: Box, to: Values, toBox: Box): void {
  const target = to.data as { [index: number]: number };
  const walk = (d: number, a: number, b: number): void => {
    if (d === fromBox.length) {
      target[b] = from.splat ?? from.data[a];
      return;
    }
    for (let x = 0; x < fromBox[d][1] - fromBox[d][0]; x++)
      walk(d + 1, a * from.shape[d] + fromBox[d][0] + x, b * to.shape[d] + toBox[d][0] + x);
  };
  walk(0, 0, 0);
}

const ARRAYS: Readonly<
  Partial<Record<DType, Float32ArrayConstructor | Int32ArrayConstructor | Int8ArrayConstructor | Uint8ArrayConstructor>>
> = {
  float32: Float32Array,
  int32: Int32Array,
  int8: Int8Array,
  uint8: Uint8Array,
};

/** The rows of a box: index in the tensor, element in memory, count, and elements in memory from one to the next. */
function stridedCopy(
  box: Box,
  shape: readonly number[],
  strides: readonly number[],
  width: number,
  row: (from: number, to: number, count: number, stride: number) => void,
): void {
  const last = shape.length - 1;
  if (last < 0) {
    row(0, 0, 1, 0);
    return;
  }
  const walk = (d: number, index: number, to: number): void => {
    const [lo, hi] = box[d];
    const step = strides[d] / width;
    if (d === last) {
      if (hi > lo) row(index * shape[d] + lo, to + lo * step, hi - lo, step);
      return;
    }
    for (let x = lo; x < hi; x++) walk(d + 1, index * shape[d] + x, to + x * step);
  };
  walk(0, 0, 0);
}
