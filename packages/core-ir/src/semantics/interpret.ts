import { RegrainError, unsupported } from '../errors.js';
import type { Values } from '../extension-points/operator-set.js';
import { type Box, boxOf, intersect } from '../ir/box.js';
import { image } from '../ir/index-map.js';
import { domainBox, type Operation, type Program } from '../ir/program.js';
import { type DType, elements } from '../ir/tensor.js';
import { generateKernel, type Kernel, type Phase } from './kernel.js';
import { arrayFor, materialize, type NumberArray } from './values.js';

/** Computes an opaque operation from its read operands in order, one result per write operand; undefined where it does not know it. */
export type EvaluateOpaque = (operation: Operation, inputs: readonly Values[]) => readonly Values[] | undefined;

const kernels = new WeakMap<Operation, Map<string, Kernel>>();

/**
 * Runs an operation point by point: the reference that everything else is compared with. `inputs` stand per operand (undefined for
 * writes), `outputs` per write operand. Elements that the operation does not write are 0.
 */
export function interpretOperation(
  operation: Operation,
  inputs: readonly (Values | undefined)[],
  outputs: readonly { readonly shape: readonly number[]; readonly dtype: DType }[],
  evaluateOpaque?: EvaluateOpaque,
): Values[] {
  const targets = outputs.map(({ shape, dtype }) => ({ dtype, shape, data: arrayFor(dtype, elements(shape)) }));
  interpretInto(operation, inputs, targets, evaluateOpaque);
  return targets;
}

/** The same into arrays of whole tensors, of which the operation may write a part (concatenation). */
export function interpretInto(
  operation: Operation,
  inputs: readonly (Values | undefined)[],
  targets: readonly (Values & { readonly data: NumberArray })[],
  evaluateOpaque?: EvaluateOpaque,
): void {
  if (operation.body) {
    runBody(operation, inputs, targets[0], domainBox(operation));
    return;
  }
  const results = evaluateOpaque?.(
    operation,
    inputs.filter((values) => values !== undefined),
  );
  if (!results) throw unsupported(`operation ${operation.name} (${operation.type}) is opaque, and no operator set evaluates it`);
  const writes = operation.operands.filter(({ mode }) => mode !== 'read');
  writes.forEach(({ map }, k) => {
    const target = targets[k];
    const whole = boxOf(target.shape);
    const written = intersect(image(map, domainBox(operation), target.shape), whole);
    if (written) copyInto(results[k], target, written);
  });
}

/**
 * Runs the part `box` of an operation's domain, or one phase of it where its reduction is split: `accumulator` then has the layout
 * of the result.
 */
export function runBody(
  operation: Operation,
  inputs: readonly (Values | undefined)[],
  target: Pick<Values, 'shape'> & { readonly data: NumberArray },
  box: Box,
  phase: Phase = 'whole',
  accumulator: NumberArray = target.data,
): void {
  const shapes = operation.operands.map((_, i) => inputs[i]?.shape ?? target.shape);
  const splat = inputs.map((values) => values?.splat !== undefined);
  const key = `${phase}/${splat.map(Number).join('')}/${shapes.map((shape) => shape.join('x')).join(',')}`;
  let known = kernels.get(operation);
  if (!known) kernels.set(operation, (known = new Map()));
  let kernel = known.get(key);
  if (!kernel) known.set(key, (kernel = generate(operation, shapes, splat, phase)));
  kernel(
    inputs.map((values) => values?.data),
    inputs.map((values) => values?.splat ?? 0),
    target.data,
    accumulator,
    box.map(([lo]) => lo),
    box.map(([, hi]) => hi),
  );
}

function generate(operation: Operation, shapes: readonly (readonly number[])[], splat: readonly boolean[], phase: Phase): Kernel {
  try {
    return generateKernel(operation, shapes, splat, phase);
  } catch (cause) {
    throw new RegrainError('internal', `operation ${operation.name} (${operation.type}): ${(cause as Error).message}`, { cause });
  }
}

/** Copies a result that covers `written` (or the whole tensor) into the tensor. */
function copyInto(result: Values, target: Values & { readonly data: NumberArray }, written: Box): void {
  const source = materialize(result);
  if (elements(result.shape) === elements(target.shape)) {
    for (let k = 0; k < source.length; k++) target.data[k] = source[k];
    return;
  }
  let from = 0;
  const walk = (d: number, base: number): void => {
    if (d === written.length) {
      target.data[base] = source[from++];
      return;
    }
    const stride = elements(target.shape.slice(d + 1));
    for (let k = written[d][0]; k < written[d][1]; k++) walk(d + 1, base + k * stride);
  };
  walk(0, 0);
}

/**
 * Runs a whole program. `inputs` are by name; `constants` are the program's bytes. The result holds the outputs by name, and what
 * `keep` asks for. Values are dropped after their last reader.
 */
export function interpretProgram(
  program: Program,
  constants: Uint8Array,
  inputs: ReadonlyMap<string, Values>,
  evaluateOpaque?: EvaluateOpaque,
  keep: (tensor: number) => boolean = () => false,
): Map<string, Values> {
  const values: (Values | undefined)[] = program.tensors.map(() => undefined);
  const lastReader = new Map<number, number>();
  program.operations.forEach(({ operands }, o) => {
    for (const { tensor } of operands) lastReader.set(tensor, o);
  });
  const kept = new Set([...program.outputs, ...program.states.map(({ from }) => from.tensor)]);
  const valueOf = (tensor: number): Values => {
    const { name, kind } = program.tensors[tensor];
    const known =
      values[tensor] ??
      (kind === 'constant' ? constantValues(program, tensor, constants) : kind === 'input' ? inputs.get(name) : undefined);
    if (!known) throw new RegrainError('bad-input', `tensor ${name} has no value; give it as an input`);
    values[tensor] = known;
    return known;
  };
  program.operations.forEach((operation, o) => {
    const reads = operation.operands.map(({ tensor, mode }) => (mode === 'read' ? valueOf(tensor) : undefined));
    const targets = operation.operands
      .filter(({ mode }) => mode !== 'read')
      .map(({ tensor }) => {
        const { dtype, shape } = program.tensors[tensor];
        const target = (values[tensor] as (Values & { data: NumberArray }) | undefined) ?? {
          dtype,
          shape,
          data: arrayFor(dtype, elements(shape)),
        };
        values[tensor] = target;
        return target;
      });
    interpretInto(operation, reads, targets, evaluateOpaque);
    for (const { tensor } of operation.operands)
      if (lastReader.get(tensor) === o && !kept.has(tensor) && !keep(tensor)) values[tensor] = undefined;
  });
  const result = new Map<string, Values>();
  program.tensors.forEach(({ name }, tensor) => {
    if (kept.has(tensor) || keep(tensor)) result.set(name, valueOf(tensor));
  });
  return result;
}

/** Values of a constant tensor, read from the program's constants (little-endian, 8-byte aligned). */
export function constantValues(program: Program, tensor: number, constants: Uint8Array): Values {
  const { dtype, shape, data, name } = program.tensors[tensor];
  if (!data) throw new RegrainError('internal', `constant ${name} has no data`);
  if ('splat' in data) return { dtype, shape, data: [], splat: data.splat };
  return { dtype, shape, data: decode(dtype, constants, data.offset, elements(shape)) };
}

function decode(dtype: DType, bytes: Uint8Array, offset: number, count: number): ArrayLike<number> {
  const at = bytes.byteOffset + offset;
  if (dtype === 'int64' || dtype === 'uint64') {
    const wide = dtype === 'int64' ? new BigInt64Array(bytes.buffer, at, count) : new BigUint64Array(bytes.buffer, at, count);
    return Float64Array.from(wide, Number);
  }
  if (dtype === 'float16') return Float32Array.from(new Uint16Array(bytes.buffer, at, count), halfToFloat);
  const width = arrayFor(dtype, 0).BYTES_PER_ELEMENT;
  const aligned = at % width === 0 ? bytes.buffer : bytes.slice(offset, offset + count * width).buffer;
  const Type = arrayFor(dtype, 0).constructor as new (buffer: ArrayBufferLike, byteOffset: number, length: number) => NumberArray;
  return new Type(aligned, aligned === bytes.buffer ? at : 0, count);
}

/** IEEE 754 binary16 to a number. */
export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
