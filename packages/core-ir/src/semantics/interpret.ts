import { RegrainError } from '../errors.js';
import type { Values } from '../extension-points/operator-set.js';
import { type Box, boxOf, contains, formatBox, intersect, sameBox, volume } from '../ir/box.js';
import { image } from '../ir/index-map.js';
import { domainBox, type Operation, type Program } from '../ir/program.js';
import { type DType, elements } from '../ir/tensor.js';
import { roundToHalf } from './half.js';
import { compileKernel, type Kernel, type Phase } from './kernel.js';
import { stridesOf } from './linear.js';
import { arrayFor, constantValues, materialize, type NumberArray } from './values.js';

/** Computes an opaque operation as a whole: one result per write operand; undefined where it does not know the type. */
export type EvaluateOpaque = (operation: Operation, inputs: readonly Values[]) => readonly Values[] | undefined;

/** A whole tensor that an operation writes, or writes a part of. */
export interface Target {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly data: NumberArray;
}

/**
 * What an operation means: its scalar body point by point, or its opaque definition. `inputs` has one entry per operand (undefined
 * for writes), `outputs` one per write operand in order; elements that the operation does not write are 0.
 */
export function interpretOperation(
  operation: Operation,
  inputs: readonly (Values | undefined)[],
  outputs: readonly { readonly shape: readonly number[]; readonly dtype: DType }[],
  evaluateOpaque?: EvaluateOpaque,
): Values[] {
  const targets = outputs.map(({ shape, dtype }) => ({ shape, dtype, data: arrayFor(dtype, elements(shape)) }));
  interpretInto(operation, inputs, targets, evaluateOpaque);
  return targets;
}

/** As `interpretOperation`, into whole tensors of which several operations may write disjoint parts. */
export function interpretInto(
  operation: Operation,
  inputs: readonly (Values | undefined)[],
  targets: readonly Target[],
  evaluateOpaque?: EvaluateOpaque,
): void {
  if (operation.body) runBody(operation, inputs, targets[0], domainBox(operation));
  else interpretOpaque(operation, inputs, targets, evaluateOpaque);
}

const kernels = new WeakMap<Operation, Map<string, Kernel>>();

/**
 * Runs the part `box` of an operation's domain, or one phase of it where its reduction is split: `accumulator` then has the shape of
 * the whole written tensor and, for exact results, the type of the body's accumulator.
 */
export function runBody(
  operation: Operation,
  inputs: readonly (Values | undefined)[],
  target: { readonly shape: readonly number[]; readonly dtype?: DType; readonly data: NumberArray },
  box: Box,
  phase: Phase = 'whole',
  accumulator: NumberArray = target.data,
): void {
  const types = operation.operands.map(({ mode }, k) => {
    if (mode !== 'read') return { shape: target.shape, dtype: target.dtype ?? 'float64' };
    const values = inputs[k];
    if (!values) throw new RegrainError('internal', `operation ${operation.name}: operand ${k} has no values`);
    return { shape: values.shape, dtype: values.dtype, splat: values.splat !== undefined };
  });
  const key = `${phase} ${types.map(({ shape, dtype, splat }) => `${dtype}${splat ? '*' : ''}[${shape}]`).join(' ')}`;
  let compiled = kernels.get(operation);
  if (!compiled) kernels.set(operation, (compiled = new Map()));
  let kernel = compiled.get(key);
  if (!kernel) {
    checkReach(operation, types);
    compiled.set(key, (kernel = compileKernel(operation, types, phase)));
  }
  const arrays = operation.operands.map(({ mode }, k) => (mode === 'read' ? (inputs[k]?.splat ?? inputs[k]?.data) : target.data));
  const ends = phase === 'init' || phase === 'finish';
  const [lo, hi] = [0, 1].map((side) => operation.domain.map(({ kind }, d) => (ends && kind === 'reduction' ? side : box[d][side])));
  kernel(arrays, accumulator, lo, hi);
}

/** No read or write may leave its tensor, but for reads with padding. */
function checkReach(operation: Operation, types: readonly { readonly shape: readonly number[] }[]): void {
  const domain = domainBox(operation);
  if (volume(domain) === 0) return;
  operation.operands.forEach(({ map, outside }, k) => {
    const touched = image(map, domain, types[k].shape);
    if (touched.length !== types[k].shape.length || (outside === undefined && !contains(boxOf(types[k].shape), touched))) {
      throw new RegrainError(
        'internal',
        `operation ${operation.name} (${operation.type}): operand ${k} reaches ${formatBox(touched)}, outside its tensor [${types[k].shape}]`,
      );
    }
  });
}

function interpretOpaque(
  operation: Operation,
  inputs: readonly (Values | undefined)[],
  targets: readonly Target[],
  evaluateOpaque?: EvaluateOpaque,
): void {
  const domain = domainBox(operation);
  const reads: Values[] = [];
  operation.operands.forEach(({ mode, map, outside }, k) => {
    const values = inputs[k];
    if (mode !== 'read' || !values) return;
    reads.push(cut(values, image(map, domain, values.shape), outside ?? 0));
  });
  const results = evaluateOpaque?.(operation, reads);
  if (!results) {
    throw new RegrainError('unsupported', `operation ${operation.name} (${operation.type}) is opaque, and no operator set evaluates it`);
  }
  const writes = operation.operands.filter(({ mode }) => mode !== 'read');
  writes.forEach(({ map }, i) => {
    const target = targets[i];
    const box = image(map, domain, target.shape);
    const result = results[i];
    if (!result || elements(result.shape) !== volume(box)) {
      throw new RegrainError('plugin', `operation ${operation.name} (${operation.type}): result ${i} does not fill ${formatBox(box)}`);
    }
    paste(materialize(result), target, box);
  });
}

/** The values of a box, in a tensor of the box's own shape; the very values where the box is the whole. */
function cut(given: Values, box: Box, outside: number): Values {
  const whole = boxOf(given.shape);
  const values = { ...given, data: materialize(given), splat: undefined };
  if (sameBox(box, whole)) return values;
  const shape = box.map(([lo, hi]) => hi - lo);
  const data = arrayFor(values.dtype, elements(shape)).fill(outside);
  const inside = intersect(box, whole);
  if (inside) {
    const strides = stridesOf(shape);
    const from = stridesOf(values.shape);
    forEachRow(inside, (point, length) => {
      const target = point.reduce((sum, x, d) => sum + (x - box[d][0]) * strides[d], 0);
      const source = point.reduce((sum, x, d) => sum + x * from[d], 0);
      for (let i = 0; i < length; i++) data[target + i] = values.data[source + i];
    });
  }
  return { dtype: values.dtype, shape, data };
}

function paste(data: ArrayLike<number>, target: Target, box: Box): void {
  const strides = stridesOf(target.shape);
  let next = 0;
  const round = storeOf(target.dtype);
  forEachRow(box, (point, length) => {
    const at = point.reduce((sum, x, d) => sum + x * strides[d], 0);
    for (let i = 0; i < length; i++) target.data[at + i] = round(data[next++]);
  });
}

function storeOf(dtype: DType): (value: number) => number {
  if (dtype === 'float16') return roundToHalf;
  if (dtype === 'bool') return (value) => (value !== 0 ? 1 : 0);
  return dtype === 'int64' || dtype === 'uint64' ? Math.trunc : (value) => value;
}

/** Visits the rows of a box (runs along the last dimension) in row-major order. */
function forEachRow(box: Box, visit: (start: readonly number[], length: number) => void): void {
  if (volume(box) === 0) return;
  const last = box.length - 1;
  const point = box.map(([lo]) => lo);
  for (;;) {
    visit(point, last < 0 ? 1 : box[last][1] - box[last][0]);
    let d = last - 1;
    while (d >= 0 && ++point[d] === box[d][1]) point[d] = box[d--][0];
    if (d < 0) return;
  }
}

/**
 * Runs a whole program, operation by operation. `inputs` are by name; `constants` are the program's bytes. The result holds the
 * outputs (and the ends of states) by name, and what `keep` asks for. Values are dropped after their last reader.
 */
export function interpretProgram(
  program: Program,
  constants: Uint8Array,
  inputs: ReadonlyMap<string, Values>,
  evaluateOpaque?: EvaluateOpaque,
  keep: (tensor: number) => boolean = () => false,
): Map<string, Values> {
  if (program.trace) throw new RegrainError('unsupported', `${program.name} is a trace: its instructions have no meaning to run`);
  const lastUse = new Map<number, number>();
  program.operations.forEach(({ operands }, o) => {
    for (const { tensor } of operands) lastUse.set(tensor, o);
  });
  const kept = new Set([...program.outputs, ...program.states.map(({ from }) => from.tensor)]);
  const held: (Values | undefined)[] = program.tensors.map(() => undefined);
  const targets = new Map<number, Target>();
  const valueOf = (tensor: number): Values => (held[tensor] ??= given(program, tensor, constants, inputs));
  program.operations.forEach((operation, o) => {
    const written: Target[] = [];
    for (const { tensor, mode } of operation.operands) {
      if (mode === 'read') continue;
      const { shape, dtype } = program.tensors[tensor];
      const target = targets.get(tensor) ?? { shape, dtype, data: arrayFor(dtype, elements(shape)) };
      targets.set(tensor, target);
      held[tensor] = target;
      written.push(target);
    }
    const values = operation.operands.map(({ tensor, mode }) => (mode === 'read' ? valueOf(tensor) : undefined));
    interpretInto(operation, values, written, evaluateOpaque);
    for (const { tensor } of operation.operands) {
      if (lastUse.get(tensor) !== o || kept.has(tensor) || keep(tensor)) continue;
      held[tensor] = undefined;
      targets.delete(tensor);
    }
  });
  const result = new Map<string, Values>();
  program.tensors.forEach(({ name }, tensor) => {
    if (!kept.has(tensor) && !keep(tensor)) return;
    const values = valueOf(tensor);
    result.set(name, { dtype: values.dtype, shape: values.shape, data: materialize(values) });
  });
  return result;
}

/** The values of a constant or an input. */
function given(program: Program, tensor: number, constants: Uint8Array, inputs: ReadonlyMap<string, Values>): Values {
  const { name, shape, dtype, kind } = program.tensors[tensor];
  if (kind === 'constant') return constantValues(program, tensor, constants);
  const values = kind === 'input' ? inputs.get(name) : undefined;
  if (!values) throw new RegrainError('bad-input', `tensor ${name} has no value; give it as an input`);
  if (values.splat === undefined && values.data.length !== elements(shape)) {
    throw new RegrainError('bad-input', `input ${name} has ${values.data.length} values, but [${shape}] holds ${elements(shape)}`);
  }
  return { ...values, shape, dtype };
}
