import { type DType, ELEMENT_BYTES, type Lowered, type ModelNode, type Scalar } from '@regrain/core-ir';
import { number, text } from './attributes.js';
import {
  broadcast,
  input,
  isFloat,
  type Lowering,
  operatorFamily,
  type PointInput,
  pointInput,
  pointwise,
  rangeOf,
  scalarConstant,
  wrong,
} from './lowering.js';
import { add, call, clamp, div, max, min, mul, select, sub, x } from './scalar.js';
import { dtypeOf } from './types.js';

/** A function of one input, of the same type or `to`. */
const unary = (make: (value: Scalar, node: ModelNode) => Scalar, to?: DType): Lowering => ({
  lower(node) {
    const { shape, dtype } = input(node, 0);
    return pointwise(node, { shape, dtype: to ?? dtype }, [pointInput(node, 0)], make(x(0), node));
  },
});

/** The read operands of inputs; a constant of one element becomes a number of the body. */
function terms(node: ModelNode, indices: readonly number[]): { scalars: Scalar[]; reads: PointInput[]; shape: number[] } {
  const reads: PointInput[] = [];
  const scalars = indices.map((index): Scalar => {
    const { dtype } = input(node, index);
    const known = scalarConstant(node, index);
    // 64-bit integers beyond the safe range stay tensors, so that the reader can check them.
    if (known !== undefined && (ELEMENT_BYTES[dtype] < 8 || Number.isSafeInteger(known) || isFloat(dtype))) return known;
    reads.push(pointInput(node, index));
    return x(reads.length - 1);
  });
  return {
    scalars,
    reads,
    shape: broadcast(
      node,
      indices.map((index) => input(node, index).shape),
    ),
  };
}

/** A function of two inputs with broadcasting. */
const binary = (make: (a: Scalar, b: Scalar, node: ModelNode, dtype: DType) => Scalar, to?: DType): Lowering => ({
  lower(node) {
    const { scalars, reads, shape } = terms(node, [0, 1]);
    const { dtype } = input(node, 0);
    return pointwise(node, { shape, dtype: to ?? dtype }, reads, make(scalars[0], scalars[1], node, dtype));
  },
});

/** A function of any number of inputs. */
const variadic = (
  join: (a: Scalar, b: Scalar) => Scalar,
  finish: (value: Scalar, count: number) => Scalar = (value) => value,
): Lowering => ({
  lower(node) {
    const { scalars, reads, shape } = terms(
      node,
      node.inputs.map((_, i) => i),
    );
    if (scalars.length === 0) throw wrong(node, 'has no input');
    return pointwise(node, { shape, dtype: input(node, 0).dtype }, reads, finish(scalars.reduce(join), scalars.length));
  },
});

/** Integers divide towards zero. */
const quotient = (a: Scalar, b: Scalar, _: ModelNode, dtype: DType): Scalar => (isFloat(dtype) ? div(a, b) : call('trunc', div(a, b)));

/** Mod: the sign of the divisor; with fmod the sign of the dividend. */
const remainder = (a: Scalar, b: Scalar, node: ModelNode): Scalar => (number(node, 'fmod', 0) ? call('rem', a, b) : call('mod', a, b));

const not = (a: Scalar): Scalar => call('not', a);
const step = (a: Scalar, low: Scalar, high: Scalar): Scalar => select(call('lt', a, 0), low, high);
const relu = (a: Scalar): Scalar => max(a, 0);
const expm1 = (a: Scalar): Scalar => call('expm1', a);
const sigmoid = (a: Scalar): Scalar => call('sigmoid', a);
/** `log(1 + exp(a))` without overflow. */
const softplus = (a: Scalar): Scalar => add(max(a, 0), call('log1p', call('exp', sub(0, call('abs', a)))));
const hardSigmoid = (a: Scalar, alpha: number, beta: number): Scalar => clamp(add(mul(a, alpha), beta), 0, 1);

/** 0.5 a (1 + erf(a / √2)), or its tanh approximation (opset 20). */
function gelu(a: Scalar, node: ModelNode): Scalar {
  if (text(node, 'approximate', 'none') === 'none') return mul(mul(a, 0.5), add(1, call('erf', mul(a, Math.SQRT1_2))));
  const inner = mul(Math.sqrt(2 / Math.PI), add(a, mul(0.044715, mul(a, mul(a, a)))));
  return mul(mul(a, 0.5), add(1, call('tanh', inner)));
}

/** Clip: limits by attribute (opset 6), or by input (11). */
const clip: Lowering = {
  lower(node) {
    const { shape, dtype } = input(node, 0);
    const [low, high] = rangeOf(dtype);
    const reads = [pointInput(node, 0)];
    const limit = (index: number, name: string, byDefault: number): Scalar => {
      if (!node.inputs[index]) return number(node, name, byDefault);
      const known = scalarConstant(node, index);
      if (known !== undefined) return known;
      reads.push(pointInput(node, index));
      return x(reads.length - 1);
    };
    const least = limit(1, 'min', low);
    const most = limit(2, 'max', high);
    return pointwise(
      node,
      { shape, dtype },
      reads,
      clamp(x(0), least === low ? Number.NEGATIVE_INFINITY : least, most === high ? Number.POSITIVE_INFINITY : most),
    );
  },
};

/** Cast: floats to integers towards zero, anything to bool by `!= 0`. */
function cast(node: ModelNode, to: DType): Lowered {
  const { shape, dtype } = input(node, 0);
  const finish = to === 'bool' ? call('ne', x(0), 0) : isFloat(dtype) && !isFloat(to) ? call('trunc', x(0)) : x(0);
  return pointwise(node, { shape, dtype: to }, [pointInput(node, 0)], finish);
}

/** Where(condition, a, b). */
const where: Lowering = {
  lower(node) {
    const { scalars, reads, shape } = terms(node, [0, 1, 2]);
    return pointwise(node, { shape, dtype: input(node, 1).dtype }, reads, select(scalars[0], scalars[1], scalars[2]));
  },
};

/** PRelu: the slope broadcasts to the data. */
const prelu: Lowering = {
  lower(node) {
    const { shape, dtype } = input(node, 0);
    const { scalars, reads } = terms(node, [0, 1]);
    return pointwise(node, { shape, dtype }, reads, step(scalars[0], mul(scalars[0], scalars[1]), scalars[0]));
  },
};

const isInfinite: Lowering = unary((a, node) => {
  const above = number(node, 'detect_positive', 1) ? call('eq', a, Number.POSITIVE_INFINITY) : 0;
  const below = number(node, 'detect_negative', 1) ? call('eq', a, Number.NEGATIVE_INFINITY) : 0;
  return above === 0 ? below : below === 0 ? above : max(above, below);
}, 'bool');

const compare = (fn: string): Lowering => binary((a, b) => call(fn, a, b), 'bool');
const plain = (fn: string): Lowering => unary((a) => call(fn, a));
const alpha = (node: ModelNode, byDefault: number): number => number(node, 'alpha', byDefault);

/** Operators that give every element from the same elements of their inputs, broadcast as numpy does. */
export const ElementwiseOperators = operatorFamily('', {
  Add: binary(add),
  Sub: binary(sub),
  Mul: binary(mul),
  Div: binary(quotient),
  Mod: binary(remainder),
  Pow: binary((a, b, node, dtype) =>
    b === 2 && dtype === input(node, 0).dtype && !(typeof a === 'number') ? mul(a, a) : call('pow', a, b),
  ),
  Min: variadic(min),
  Max: variadic(max),
  Sum: variadic(add),
  Mean: variadic(add, div),
  And: compare('and'),
  Or: compare('or'),
  Xor: compare('xor'),
  Not: unary(not, 'bool'),
  Equal: compare('eq'),
  Greater: binary((a, b) => call('lt', b, a), 'bool'),
  GreaterOrEqual: binary((a, b) => call('le', b, a), 'bool'),
  Less: compare('lt'),
  LessOrEqual: compare('le'),
  Where: where,
  Clip: clip,
  Cast: { lower: (node) => cast(node, dtypeOf(node, number(node, 'to', 1))) },
  CastLike: { lower: (node) => cast(node, input(node, 1).dtype) },
  Relu: unary(relu),
  LeakyRelu: unary((a, node) => step(a, mul(a, alpha(node, 0.01)), a)),
  PRelu: prelu,
  ThresholdedRelu: unary((a, node) => select(call('lt', alpha(node, 1), a), a, 0)),
  Sigmoid: unary(sigmoid),
  HardSigmoid: unary((a, node) => hardSigmoid(a, alpha(node, 0.2), number(node, 'beta', 0.5))),
  HardSwish: unary((a) => mul(a, hardSigmoid(a, 1 / 6, 0.5))),
  Swish: unary((a, node) => mul(a, sigmoid(mul(a, alpha(node, 1))))),
  Elu: unary((a, node) => step(a, mul(alpha(node, 1), expm1(a)), a)),
  Selu: unary((a, node) => mul(number(node, 'gamma', 1.0507009873554805), step(a, mul(alpha(node, 1.6732632423543772), expm1(a)), a))),
  Celu: unary((a, node) => add(max(a, 0), min(0, mul(alpha(node, 1), expm1(div(a, alpha(node, 1))))))),
  Softplus: unary(softplus),
  Softsign: unary((a) => div(a, add(1, call('abs', a)))),
  Gelu: unary(gelu),
  Mish: unary((a) => mul(a, call('tanh', softplus(a)))),
  Shrink: unary((a, node) => {
    const [bias, lambda] = [number(node, 'bias', 0), number(node, 'lambd', 0.5)];
    return select(call('lt', a, -lambda), add(a, bias), select(call('lt', lambda, a), sub(a, bias), 0));
  }),
  Reciprocal: unary((a) => div(1, a)),
  Neg: plain('neg'),
  Sign: unary((a) => call('sign', a)),
  Abs: plain('abs'),
  Floor: plain('floor'),
  Ceil: plain('ceil'),
  Round: plain('roundEven'),
  Exp: plain('exp'),
  Log: plain('log'),
  Sqrt: plain('sqrt'),
  Erf: plain('erf'),
  Tanh: plain('tanh'),
  Sin: plain('sin'),
  Cos: plain('cos'),
  Tan: plain('tan'),
  Asin: plain('asin'),
  Acos: plain('acos'),
  Atan: plain('atan'),
  Sinh: plain('sinh'),
  Cosh: plain('cosh'),
  Asinh: plain('asinh'),
  Acosh: plain('acosh'),
  Atanh: plain('atanh'),
  IsNaN: unary((a) => call('ne', a, a), 'bool'),
  IsInf: isInfinite,
  BitShift: binary((a, b, node) =>
    text(node, 'direction', '') === 'LEFT' ? mul(a, call('pow', 2, b)) : call('floor', div(a, call('pow', 2, b))),
  ),
  BitwiseAnd: binary((a, b) => call('bitAnd', a, b)),
  BitwiseOr: binary((a, b) => call('bitOr', a, b)),
  BitwiseXor: binary((a, b) => call('bitXor', a, b)),
  BitwiseNot: unary((a) => call('bitNot', a)),
});
