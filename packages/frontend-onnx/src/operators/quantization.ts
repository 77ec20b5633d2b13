import { type Body, type DType, type Lowered, type ModelNode, type Operand, type Scalar } from '@regrain/core-ir';
import { at, rangeOf, read, scalarConstant, wrong } from './lowering.js';
import { add, call, clamp, div, mul, sub, x } from './scalar.js';

/** `real = (stored - zeroPoint) * scale`; one value, or one per index of `axis`. */
export interface Affine {
  readonly scale: readonly number[];
  readonly zeroPoint: readonly number[];
  readonly axis: number;
}

/** The attribute `quant` of nodes of the domain `regrain`; a null input holds real values. */
export interface Quantization {
  readonly inputs: readonly (Affine | null)[];
  /** Without it the result is real (`outputDtype` a float). */
  readonly output: Pick<Affine, 'scale' | 'zeroPoint'> | null;
  readonly outputDtype: DType;
  /** Limits of the result in real units. */
  readonly min: number;
  readonly max: number;
}

export function quantizationOf(node: ModelNode): Quantization {
  const given = node.attributes.quant;
  if (typeof given !== 'object' || given === null || !('inputs' in given) || !('outputDtype' in given)) {
    throw wrong(node, 'attribute quant is missing');
  }
  const limit = (name: 'min' | 'max', byDefault: number): number => {
    const value = node.attributes[name];
    return typeof value === 'number' && !Number.isNaN(value) ? value : byDefault;
  };
  return {
    ...(given as Omit<Quantization, 'min' | 'max'>),
    min: limit('min', Number.NEGATIVE_INFINITY),
    max: limit('max', Number.POSITIVE_INFINITY),
  };
}

/** Quantisation of input i, which must have one scale and zero point. */
export function perTensor(node: ModelNode, quant: Quantization, index: number): { scale: number; zero: number } {
  const affine = quant.inputs[index];
  if (!affine) return { scale: 1, zero: 0 };
  if (affine.scale.length !== 1) throw wrong(node, `input ${index} needs one scale, it has ${affine.scale.length}`);
  return { scale: affine.scale[0], zero: affine.zeroPoint[0] ?? 0 };
}

/** Collects constants of an operation's own (multipliers, zero points) that are read along one dimension of the domain. */
export class Parameters {
  readonly operands: Operand[] = [];
  readonly extra: { shape: readonly number[]; dtype: DType; values: ArrayLike<number> }[] = [];

  /** `reads` operands stand before these; `tensors` is the number of the first extra tensor. */
  constructor(
    private readonly reads: number,
    private readonly tensors: number,
  ) {}

  /** A number where all values are equal, else an operand along dimension d. */
  along(values: readonly number[], d: number, dtype: DType): Scalar {
    if (values.every((value) => value === values[0])) return values[0] ?? 0;
    this.operands.push(read(this.tensors + this.extra.length, [at({ d })]));
    this.extra.push({ shape: [values.length], dtype, values });
    return x(this.reads + this.operands.length - 1);
  }
}

/** The integers that stand for the limits `min` and `max`: clamping them is clamping the real value, as rounding is monotonic. */
function limits(quant: Quantization): readonly [low: number, high: number] {
  const [low, high] = rangeOf(quant.outputDtype);
  if (!quant.output) return [quant.min, quant.max];
  const [scale] = quant.output.scale;
  const [zero] = quant.output.zeroPoint;
  const stored = (real: number): number => nearestEven(Math.fround(real / scale)) + (zero ?? 0);
  return [
    Number.isFinite(quant.min) ? Math.min(high, Math.max(low, stored(quant.min))) : low,
    Number.isFinite(quant.max) ? Math.max(low, Math.min(high, stored(quant.max))) : high,
  ];
}

/** To the nearest integer, halves to the even one. */
export function nearestEven(value: number): number {
  const down = Math.floor(value);
  const rest = value - down;
  if (rest < 0.5) return down;
  return rest > 0.5 || down % 2 !== 0 ? down + 1 : down;
}

/** From the real result in units of the output's scale to what is stored. */
export function store(quant: Quantization, inUnits: Scalar): Scalar {
  const [low, high] = limits(quant);
  if (!quant.output) return clamp(inUnits, low, high);
  return clamp(add(call('roundEven', call('fround', inUnits)), quant.output.zeroPoint[0] ?? 0), low, high);
}

/** The scale of the output, 1 where it is real. */
export const outputScale = (quant: Quantization): number => quant.output?.scale[0] ?? 1;

/** Replaces `x: i` by `by[i]` (where given). */
export function replaceReads(scalar: Scalar, by: readonly (Scalar | undefined)[]): Scalar {
  if (typeof scalar !== 'object') return scalar;
  if ('x' in scalar) return by[scalar.x] ?? scalar;
  return { fn: scalar.fn, args: scalar.args.map((arg) => replaceReads(arg, by)) };
}

const ROUNDED: ReadonlySet<string> = new Set(['add', 'sub', 'mul', 'div', 'sigmoid', 'tanh', 'exp', 'sqrt', 'pow']);

/** Rounds what arithmetic gives within a scalar, as the model's own float32 operators do. */
function inFloat32(scalar: Scalar): Scalar {
  if (typeof scalar !== 'object' || 'x' in scalar || scalar.fn === 'fround') return scalar;
  const inner = { fn: scalar.fn, args: scalar.args.map(inFloat32) };
  return ROUNDED.has(scalar.fn) ? call('fround', inner) : inner;
}

/**
 * The quantised form of any operator with a body: its reads are taken as real values, its result is stored quantised. `lower` is the
 * real operator's. All in float32, step by step: bit for bit what DequantizeLinear, the operator and QuantizeLinear give.
 */
export function around(lower: (node: ModelNode) => Lowered, type: string) {
  return (node: ModelNode): Lowered => {
    const quant = quantizationOf(node);
    const real = lower({
      ...node,
      type,
      domain: '',
      inputs: node.inputs.map((tensor) => tensor && { ...tensor, dtype: 'float32' as const }),
      constants: node.constants.map((values, i) => {
        const affine = quant.inputs[i];
        const stored = scalarConstant(node, i);
        if (!values || !affine || stored === undefined) return values;
        return { dtype: 'float32' as const, shape: values.shape, data: [], splat: (stored - (affine.zeroPoint[0] ?? 0)) * affine.scale[0] };
      }),
    });
    const [operation] = real.operations;
    if (!operation.body || real.operations.length !== 1) throw wrong(node, `${type} has no quantised form`);
    const values = operation.operands.map((operand): Scalar | undefined => {
      if (operand.mode !== 'read' || !quant.inputs[operand.tensor]) return undefined;
      const { scale, zero } = perTensor(node, quant, operand.tensor);
      return call('fround', mul(sub(x(operation.operands.indexOf(operand)), zero), scale));
    });
    const reals: Body = operation.body;
    const body: Body = {
      acc: 'float32',
      init: reals.init,
      step: replaceReads(reals.step, values),
      finish: store(quant, div(inFloat32(replaceReads(reals.finish, values)), outputScale(quant))),
    };
    const operands = operation.operands.map((operand): Operand => {
      if (operand.mode === 'write') return { ...operand, inPlaceOf: inPlace(node, quant, operation.operands, operand.inPlaceOf) };
      if (operand.outside === undefined) return operand;
      return { ...operand, outside: perTensor(node, quant, operand.tensor).zero };
    });
    return {
      ...real,
      outputs: real.outputs.map(({ shape }) => ({ shape, dtype: quant.outputDtype })),
      operations: [{ ...operation, type: node.type, operands, body }],
    };
  };
}

/** Only where the elements still have the same size. */
function inPlace(node: ModelNode, quant: Quantization, operands: readonly Operand[], position: number | undefined): number | undefined {
  if (position === undefined) return undefined;
  const read = node.inputs[operands[position].tensor]?.dtype;
  const size = (dtype: DType | undefined): boolean => dtype === 'int8' || dtype === 'uint8';
  return size(read) === size(quant.outputDtype) ? position : undefined;
}
