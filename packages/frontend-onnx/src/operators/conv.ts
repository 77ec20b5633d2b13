import {
  apply,
  type DType,
  type Expr,
  elements,
  type IndexMap,
  type Lowered,
  type ModelNode,
  type Operand,
  add as plus,
  type Scalar,
} from '@regrain/core-ir';
import { number, numbers } from './attributes.js';
import { transposed } from './conv-transpose.js';
import {
  accumulatorOf,
  at,
  dims,
  input,
  type Lowering,
  operatorFamily,
  parallel,
  pointInput,
  read,
  reduction,
  type Shaped,
  scalarConstant,
  write,
  wrong,
} from './lowering.js';
import { add, mul, sub, x } from './scalar.js';
import { reachesOutside, type Window, windowAt, windowOf } from './window.js';

/** The index maps of a convolution over the domain `[n, oc, out… | ic / group, kernel…]`. */
export interface ConvShape {
  readonly window: Window;
  readonly outShape: readonly number[];
  readonly domain: readonly number[];
  readonly reduced: readonly number[];
  readonly data: IndexMap;
  readonly weights: IndexMap;
  readonly padded: boolean;
  readonly macs: number;
}

/** Checks the shapes of data `[N, IC, spatial…]` and weights `[OC, IC / group, kernel…]`. */
export function convShape(node: ModelNode, data: readonly number[], weights: readonly number[]): ConvShape {
  const spatial = data.length - 2;
  if (spatial < 1 || weights.length !== data.length) throw wrong(node, `data [${data}] and weights [${weights}] do not fit together`);
  const group = number(node, 'group', 1);
  const [batch, channels] = data;
  const [outChannels, perGroup] = weights;
  if (group < 1 || channels !== perGroup * group || outChannels % group !== 0) {
    throw wrong(node, `${channels} input and ${outChannels} output channels do not fit ${group} groups of weights [${weights}]`);
  }
  const kernel = numbers(node, 'kernel_shape', weights.slice(2));
  if (kernel.some((k, d) => k !== weights[2 + d])) throw wrong(node, `kernel_shape [${kernel}] differs from the weights [${weights}]`);
  const size = data.slice(2);
  const window = windowOf(node, size, kernel);
  const reducedFrom = 2 + spatial;
  const outShape = [batch, outChannels, ...window.out];
  const reduced = [perGroup, ...kernel];
  return {
    window,
    outShape,
    domain: outShape,
    reduced,
    data: [
      at({ d: 0 }),
      at(groupChannel(outChannels / group, perGroup, group, reducedFrom)),
      ...size.map((_, d) => at(windowAt(window, d, 2 + d, reducedFrom + 1 + d))),
    ],
    weights: [at({ d: 1 }), at({ d: reducedFrom }), ...size.map((_, d) => at({ d: reducedFrom + 1 + d }))],
    padded: reachesOutside(window, size),
    macs: elements(outShape) * elements(reduced),
  };
}

/** The input channel of output channel `d: 1` and reduced channel `ic`: simple where it can be, so that its bounds are tight. */
function groupChannel(outPerGroup: number, inPerGroup: number, group: number, ic: number): Expr {
  if (group === 1) return { d: ic };
  const first = apply('*', apply('div', { d: 1 }, outPerGroup), inPerGroup);
  return inPerGroup === 1 ? first : plus(first, { d: ic });
}

/** One convolution with a product of the reader's choice. */
export function convolution(
  node: ModelNode,
  out: DType,
  operands: { readonly data: Shaped; readonly weights: Shaped; readonly outside: number; readonly more?: readonly Operand[] },
  body: { readonly product: Scalar; readonly finish: Scalar; readonly acc: DType },
  extra?: Lowered['extra'],
): Lowered {
  const shape = convShape(node, operands.data.shape, operands.weights.shape);
  return {
    outputs: [{ shape: shape.outShape, dtype: out }],
    extra,
    operations: [
      {
        name: node.name,
        type: node.type,
        attributes: { group: number(node, 'group', 1) },
        domain: [...parallel(shape.domain), ...reduction(shape.reduced)],
        operands: [
          read(0, shape.data, shape.padded ? operands.outside : undefined),
          read(1, shape.weights),
          ...(operands.more ?? []),
          write(node.inputs.length, dims(0, shape.outShape.length)),
        ],
        body: { acc: body.acc, init: 0, step: add('acc', body.product), finish: body.finish },
        macs: shape.macs,
      },
    ],
  };
}

/** Conv, opsets 1 to 22: 1-D, 2-D, 3-D, groups, dilations, strides. */
const conv: Lowering = {
  lower(node) {
    const data = input(node, 0);
    const weights = input(node, 1);
    const bias = node.inputs[2];
    if (bias && (bias.shape.length !== 1 || bias.shape[0] !== weights.shape[0])) throw wrong(node, `the bias [${bias.shape}] does not fit`);
    return convolution(
      node,
      data.dtype,
      { data, weights, outside: 0, more: bias ? [read(2, [at({ d: 1 })])] : [] },
      { product: mul(x(0), x(1)), finish: bias ? add('acc', x(2)) : 'acc', acc: accumulatorOf(data.dtype) },
    );
  },
};

/** ConvInteger (opset 10): 8-bit data and weights with zero points, 32-bit result. */
const convInteger: Lowering = {
  lower(node) {
    const data = input(node, 0);
    const weights = input(node, 1);
    const zero = node.inputs[2] ? constantZero(node, 2) : 0;
    const more: Operand[] = [];
    let zeroOfWeights: Scalar = 0;
    if (node.inputs[3]) {
      const point = pointInput(node, 3);
      more.push(read(3, point.shape.length === 0 ? [] : [at(point.shape[0] === 1 ? 0 : { d: 1 })]));
      zeroOfWeights = x(2);
    }
    return convolution(
      node,
      'int32',
      { data, weights, outside: zero, more },
      { product: mul(sub(x(0), zero), sub(x(1), zeroOfWeights)), finish: 'acc', acc: 'int32' },
    );
  },
};

function constantZero(node: ModelNode, index: number): number {
  const value = scalarConstant(node, index);
  if (value === undefined) throw wrong(node, `input ${index} (zero point) must be a constant scalar`);
  return value;
}

export const ConvOperators = operatorFamily('', { Conv: conv, ConvInteger: convInteger, ConvTranspose: transposed });
