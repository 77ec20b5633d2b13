import { type DType, elements, type Lowered, type ModelNode, type Operand, type OperatorSet, type Scalar } from '@regrain/core-ir';
import { number } from './attributes.js';
import { convolution } from './conv.js';
import { ElementwiseOperators } from './elementwise.js';
import { gemmShape, matmulShape } from './gemm.js';
import {
  at,
  broadcastMap,
  dims,
  input,
  type Lowering,
  opaque,
  operatorFamily,
  parallel,
  rangeOf,
  read,
  reduction,
  resultsOf,
  windowMap,
  write,
} from './lowering.js';
import { globalShape, type PoolShape, poolShape, windowCounts } from './pool.js';
import { around, nearestEven, outputScale, Parameters, perTensor, type Quantization, quantizationOf, store } from './quantization.js';
import { reducedAxes, reduceShape } from './reduce.js';
import { ResizeOperators } from './resize.js';
import { add, call, div, mul, sub, x } from './scalar.js';
import { normalised, softmaxAxes } from './softmax.js';

/** The float32 product of a sum's scales over the output's scale, in the order in which ONNX Runtime's QLinearConv computes it. */
function multipliers(data: number, weights: readonly number[], out: number, alpha = 1): number[] {
  return weights.map((scale) => Math.fround(Math.fround(Math.fround(Math.fround(alpha * data) * scale)) / out));
}

/** An integer bias (scale `data * weights`) joins the sum, any other is added in real units. */
function withBias(quant: Quantization, data: number, weights: readonly number[], factor: Scalar, bias: Scalar | undefined): Scalar {
  const scaled = (sum: Scalar): Scalar => mul(call('fround', sum), factor);
  if (bias === undefined) return scaled('acc');
  const own = quant.inputs[2];
  if (!own) return add(scaled('acc'), div(bias, outputScale(quant)));
  const fits = own.scale.every((scale, i) => Math.abs(scale / (data * (weights[i] ?? weights[0])) - 1) < 1e-3);
  if (fits && own.zeroPoint.every((zero) => zero === 0)) return scaled(add('acc', bias));
  return add(scaled('acc'), mul(sub(bias, own.zeroPoint[0] ?? 0), own.scale[0] / outputScale(quant)));
}

/**
 * QConv: `(x - zx) (w - zw)` summed in 32 bits with the padding at zx, the integer bias added, then
 * `saturate(roundEven(float32(sum) * float32(sx sw / sy)) + zy)`, as ONNX Runtime's QLinearConv.
 */
const conv: Lowering = {
  lower(node) {
    const quant = quantizationOf(node);
    const [data, weights] = [input(node, 0), input(node, 1)];
    const { scale, zero } = perTensor(node, quant, 0);
    const own = quant.inputs[1] ?? { scale: [1], zeroPoint: [0], axis: 0 };
    const bias = node.inputs[2] ? [read(2, [at({ d: 1 })])] : [];
    const parameters = new Parameters(2 + bias.length, node.inputs.length + 1);
    const factor = parameters.along(multipliers(scale, own.scale, outputScale(quant)), 1, 'float32');
    const zeroOfWeights = parameters.along(own.zeroPoint, 1, weights.dtype);
    return convolution(
      node,
      quant.outputDtype,
      { data, weights, outside: zero, more: [...bias, ...parameters.operands] },
      {
        acc: 'int32',
        product: mul(sub(x(0), zero), sub(x(1), zeroOfWeights)),
        finish: store(quant, withBias(quant, scale, own.scale, factor, bias.length ? x(2) : undefined)),
      },
      parameters.extra,
    );
  },
};

interface Product {
  readonly out: readonly number[];
  readonly k: number;
  readonly a: Operand['map'];
  readonly b: Operand['map'];
  /** The dimension of the domain along which B's scales run. */
  readonly column: number;
}

/** QGemm and QMatMul: the same over matrices. */
function product(node: ModelNode, shape: Product, alpha: number): Lowered {
  const quant = quantizationOf(node);
  const { scale, zero } = perTensor(node, quant, 0);
  const own = quant.inputs[1] ?? { scale: [1], zeroPoint: [0], axis: 0 };
  const bias = node.inputs[2];
  const more = bias ? [read(2, broadcastMap(bias.shape, shape.out))] : [];
  const parameters = new Parameters(2 + more.length, node.inputs.length + 1);
  const factor = parameters.along(multipliers(scale, own.scale, outputScale(quant), alpha), shape.column, 'float32');
  const zeroOfWeights = parameters.along(own.zeroPoint, shape.column, input(node, 1).dtype);
  return {
    outputs: [{ shape: shape.out, dtype: quant.outputDtype }],
    extra: parameters.extra,
    operations: [
      {
        name: node.name,
        type: node.type,
        attributes: {},
        domain: [...parallel(shape.out), ...reduction([shape.k])],
        operands: [
          read(0, shape.a),
          read(1, shape.b),
          ...more,
          ...parameters.operands,
          write(node.inputs.length, dims(0, shape.out.length)),
        ],
        body: {
          acc: 'int32',
          init: 0,
          step: add('acc', mul(sub(x(0), zero), sub(x(1), zeroOfWeights))),
          finish: store(quant, withBias(quant, scale * alpha, own.scale, factor, bias ? x(2) : undefined)),
        },
        macs: elements(shape.out) * shape.k,
      },
    ],
  };
}

const gemm: Lowering = {
  lower: (node) => product(node, { ...gemmShape(node, input(node, 0).shape, input(node, 1).shape), column: 1 }, number(node, 'alpha', 1)),
};

const matmul: Lowering = {
  lower(node) {
    const shape = matmulShape(node, input(node, 0).shape, input(node, 1).shape);
    return product(node, { ...shape, column: shape.column ?? 0 }, 1);
  },
};

/** A sum of `x - zx` over a part of the domain, times `sx / (count sy)`; counts that differ are an operand. */
function mean(
  node: ModelNode,
  parts: { readonly out: readonly number[]; readonly reduced: readonly number[]; readonly data: Operand['map']; readonly padded: boolean },
  counts: number | readonly number[],
  countsShape: readonly number[] = [],
): Lowered {
  const quant = quantizationOf(node);
  const { scale, zero } = perTensor(node, quant, 0);
  const several = typeof counts !== 'number';
  const real = mul('acc', scale);
  return {
    outputs: [{ shape: parts.out, dtype: quant.outputDtype }],
    extra: several ? [{ shape: countsShape, dtype: 'float32', values: counts }] : [],
    operations: [
      {
        name: node.name,
        type: node.type,
        attributes: {},
        domain: [...parallel(parts.out), ...reduction(parts.reduced)],
        operands: [
          read(0, parts.data, parts.padded ? zero : undefined),
          ...(several ? [read(node.inputs.length + 1, dims(2, countsShape.length))] : []),
          write(node.inputs.length, dims(0, parts.out.length)),
        ],
        body: {
          acc: 'int32',
          init: 0,
          step: add('acc', sub(x(0), zero)),
          finish: store(quant, div(call('fround', div(real, several ? x(1) : counts)), outputScale(quant))),
        },
        macs: elements(parts.out) * elements(parts.reduced),
      },
    ],
  };
}

const pooled = (node: ModelNode, shape: PoolShape, counts: number | number[]): Lowered =>
  mean(node, { out: shape.outShape, reduced: shape.window.kernel, data: shape.data, padded: shape.padded }, counts, shape.window.out);

const averagePool: Lowering = {
  lower(node) {
    const { shape } = input(node, 0);
    const window = poolShape(node, shape);
    return pooled(node, window, windowCounts(node, window, shape.slice(2)));
  },
};

const globalAveragePool: Lowering = {
  lower(node) {
    const window = globalShape(node, input(node, 0).shape);
    return pooled(node, window, elements(window.window.kernel));
  },
};

const reduceMean: Lowering = {
  lower(node) {
    const { shape } = input(node, 0);
    const { out, reduced, data } = reduceShape(shape, reducedAxes(node) ?? [], number(node, 'keepdims', 1) !== 0);
    return mean(node, { out, reduced, data, padded: false }, elements(reduced));
  },
};

/** QSoftmax: opaque; the probabilities are stored quantised. */
const softmax: Lowering = {
  lower(node) {
    const quant = quantizationOf(node);
    const { shape } = input(node, 0);
    const axes = softmaxAxes(node);
    const { domain, map } = windowMap(shape, axes);
    const { scale } = perTensor(node, quant, 0);
    return opaque(node, [{ shape, dtype: quant.outputDtype }], {
      reads: [{ tensor: 0, map }],
      domain,
      writes: [map],
      attributes: { axes, scale, outputScale: outputScale(quant), outputZero: quant.output?.zeroPoint[0] ?? 0 },
      macs: elements(shape),
    });
  },
  evaluate(attributes, [data]) {
    const [out] = resultsOf(attributes);
    const number = (name: string): number => attributes[name] as number;
    // The zero point cancels: softmax only sees differences.
    const real = { ...data, data: Float64Array.from(data.data, (value) => value * number('scale')) };
    const probabilities = normalised(real, attributes.axes as readonly number[], (shifted, total) => Math.exp(shifted) / total);
    return [{ ...out, data: probabilities.map((p) => saturate(p / number('outputScale'), number('outputZero'), out.dtype)) }];
  },
};

function saturate(inUnits: number, zero: number, dtype: DType): number {
  const [low, high] = rangeOf(dtype);
  return Math.min(high, Math.max(low, nearestEven(Math.fround(inUnits)) + zero));
}

/** Operators whose quantised form is their real form between dequantisation and quantisation, element by element. */
const POINTWISE = (
  'Add Sub Mul Div Pow Min Max Sum Mean Relu LeakyRelu ThresholdedRelu Sigmoid HardSigmoid HardSwish Swish Tanh Elu Selu Celu Softplus ' +
  'Softsign Gelu Mish Exp Log Sqrt Reciprocal Abs Neg Clip Erf PRelu'
).split(' ');

const wrapped = (sets: OperatorSet, types: readonly string[]): Record<string, Lowering> =>
  Object.fromEntries(types.map((type) => [`Q${type}`, { lower: around((node) => sets.lower(node), type) }]));

/** Integer forms of operators between DequantizeLinear and QuantizeLinear; the attribute `quant` holds the scales and zero points. */
export const QuantizedOperators = operatorFamily('regrain', {
  QConv: conv,
  QGemm: gemm,
  QMatMul: matmul,
  QReduceMean: reduceMean,
  QAveragePool: averagePool,
  QGlobalAveragePool: globalAveragePool,
  QSoftmax: softmax,
  ...wrapped(new ElementwiseOperators(), POINTWISE),
  ...wrapped(new ResizeOperators(), ['Resize', 'Upsample']),
});
