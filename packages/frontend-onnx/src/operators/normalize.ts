import { elements, type IndexMap, type Lowered, type ModelNode, unsupported, type Values } from '@regrain/core-ir';
import { number, numbers } from './attributes.js';
import {
  accumulatorOf,
  at,
  axisOf,
  constantOf,
  dims,
  input,
  type Lowering,
  opaque,
  opaqueWhole,
  operatorFamily,
  type PointInput,
  parallel,
  pointwise,
  read,
  reduction,
  resultsOf,
  windowMap,
  write,
  wrong,
} from './lowering.js';
import { gatherAxes } from './reduce.js';
import { add, call, div, mul, sub, x } from './scalar.js';

/** BatchNormalization at inference: scale and shift per channel; folded to two constants where all four are known. */
const batchNormalization: Lowering = {
  lower(node) {
    const { shape, dtype } = input(node, 0);
    if (number(node, 'training_mode', 0) || node.outputs > 1) {
      throw unsupported(`node ${node.name || '(unnamed)'} (${node.type}): training mode is not handled`);
    }
    const epsilon = number(node, 'epsilon', 1e-5);
    const channels = shape[1] ?? 1;
    const perChannel: IndexMap = [at(shape.length > 1 ? { d: 1 } : 0)];
    for (let i = 1; i < 5; i++) {
      if (elements(input(node, i).shape) !== channels) throw wrong(node, `input ${i} needs ${channels} values, one per channel`);
    }
    const data: PointInput = { tensor: 0, shape, dtype };
    const channel = (tensor: number): PointInput => ({ tensor, shape: [channels], map: perChannel });
    const known = [1, 2, 3, 4].map((i) => constantOf(node, i)).filter((values) => values !== undefined);
    if (known.length === 4) {
      const [scale, shift, mean, variance] = known;
      const factor = Array.from({ length: channels }, (_, c) => scale[c] / Math.sqrt(variance[c] + epsilon));
      const offset = factor.map((f, c) => shift[c] - mean[c] * f);
      const same = (values: readonly number[]): boolean => values.every((value) => value === values[0]);
      if (same(factor) && same(offset)) return pointwise(node, { shape, dtype }, [data], add(mul(x(0), factor[0]), offset[0]));
      const first = node.inputs.length + 1;
      const extra = [factor, offset].map((values) => ({ shape: [channels], dtype, values }));
      return pointwise(node, { shape, dtype }, [data, channel(first), channel(first + 1)], add(mul(x(0), x(1)), x(2)), extra);
    }
    const normal = div(sub(x(0), x(3)), call('sqrt', add(x(4), epsilon)));
    return pointwise(node, { shape, dtype }, [data, channel(1), channel(2), channel(3), channel(4)], add(mul(normal, x(1)), x(2)));
  },
};

/** LRN: `x / (bias + alpha / size * sum of squares over size channels)^beta`, the window over channels as a reduction. */
const lrn: Lowering = {
  lower(node) {
    const { shape, dtype } = input(node, 0);
    const rank = shape.length;
    const size = number(node, 'size', 1);
    const [alpha, beta, bias] = [number(node, 'alpha', 1e-4), number(node, 'beta', 0.75), number(node, 'bias', 1)];
    const around: IndexMap = dims(0, rank).map((range, d) =>
      d === 1 ? at(['+', ['+', { d: 1 }, { d: rank }], -Math.floor((size - 1) / 2)]) : range,
    );
    return {
      outputs: [{ shape, dtype }],
      operations: [
        {
          name: node.name,
          type: node.type,
          attributes: {},
          domain: [...parallel(shape), ...reduction([size])],
          operands: [read(0, around, 0), read(0, dims(0, rank)), write(node.inputs.length, dims(0, rank))],
          body: {
            acc: accumulatorOf(dtype),
            init: 0,
            step: add('acc', mul(x(0), x(0))),
            finish: div(x(1), call('pow', add(mul('acc', alpha / size), bias), beta)),
          },
          macs: elements(shape) * size,
        },
      ],
    };
  },
};

/** `f` gives the normalised values of one group of elements. */
function perGroup(data: Values, axes: readonly number[], f: (values: Float64Array) => Float64Array): Float64Array {
  const { outer, inner } = gatherAxes(data.shape, axes);
  const result = new Float64Array(data.data.length);
  const group = new Float64Array(inner.length);
  for (const base of outer) {
    inner.forEach((offset, i) => {
      group[i] = data.data[base + offset];
    });
    const values = f(group);
    inner.forEach((offset, i) => {
      result[base + offset] = values[i];
    });
  }
  return result;
}

function moments(values: Float64Array): { mean: number; variance: number } {
  let total = 0;
  for (const value of values) total += value;
  const mean = total / values.length;
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  return { mean, variance: squares / values.length };
}

const standard = (epsilon: number) => (values: Float64Array) => {
  const { mean, variance } = moments(values);
  return values.map((value) => (value - mean) / Math.sqrt(variance + epsilon));
};

/** InstanceNormalization: opaque over whole planes. */
const instance: Lowering = {
  lower(node) {
    const { shape, dtype } = input(node, 0);
    const axes = shape.map((_, d) => d).slice(2);
    const { domain, map } = windowMap(shape, axes);
    const channel: IndexMap = [at({ d: 1 })];
    return opaque(node, [{ shape, dtype }], {
      reads: [
        { tensor: 0, map },
        { tensor: 1, map: channel },
        { tensor: 2, map: channel },
      ],
      domain,
      writes: [map],
      attributes: { axes, epsilon: number(node, 'epsilon', 1e-5) },
      macs: elements(shape) * 2,
    });
  },
  evaluate(attributes, [data, scale, shift]) {
    const values = perGroup(data, attributes.axes as readonly number[], standard(attributes.epsilon as number));
    const plane = elements(data.shape.slice(2));
    return [
      {
        ...resultsOf(attributes)[0],
        data: values.map((v, i) => v * scale.data[channelOf(i, plane, data)] + shift.data[channelOf(i, plane, data)]),
      },
    ];
  },
};

const channelOf = (i: number, plane: number, data: Values): number => Math.floor(i / plane) % data.shape[1];

/** GroupNormalization (opset 18: scale per group; 21: per channel). */
const group: Lowering = {
  lower(node) {
    const data = input(node, 0);
    const groups = number(node, 'num_groups', 1);
    if (groups < 1 || data.shape[1] % groups !== 0) throw wrong(node, `${data.shape[1]} channels do not make ${groups} groups`);
    return opaqueWhole(
      node,
      [data].map(({ shape, dtype }) => ({ shape, dtype })),
      { groups, epsilon: number(node, 'epsilon', 1e-5) },
    );
  },
  evaluate(attributes, [data, scale, shift]) {
    const groups = attributes.groups as number;
    const [batch, channels] = data.shape;
    const grouped = { ...data, shape: [batch, groups, elements(data.shape) / batch / groups] };
    const values = perGroup(grouped, [2], standard(attributes.epsilon as number));
    const plane = elements(data.shape.slice(2));
    const at = (i: number): number =>
      scale.data.length === channels ? channelOf(i, plane, data) : Math.floor(channelOf(i, plane, data) / (channels / groups));
    return [{ ...resultsOf(attributes)[0], data: values.map((v, i) => v * scale.data[at(i)] + shift.data[at(i)]) }];
  },
};

/** LayerNormalization and RMSNormalization: over all dimensions from `axis` on; scale and bias broadcast to those. */
function overTail(node: ModelNode): Lowered {
  const { shape, dtype } = input(node, 0);
  const from = axisOf(node, number(node, 'axis', -1), shape.length);
  const axes = shape.map((_, d) => d).slice(from);
  const { domain, map } = windowMap(shape, axes);
  const parameters = [1, 2].filter((i) => node.inputs[i]);
  const kept = shape.map((extent, d) => (d < from ? extent : 1));
  const statistics: IndexMap = kept.map((_, d) => at(d < from ? { d } : 0));
  const outputs = [{ shape, dtype }, ...Array.from({ length: Math.max(0, node.outputs - 1) }, () => ({ shape: kept, dtype }))];
  const tail = shape.slice(from);
  for (const i of parameters) {
    const own = input(node, i).shape;
    if (own.length > tail.length || own.some((extent, d) => extent !== 1 && extent !== tail[tail.length - own.length + d])) {
      throw unsupported(
        `node ${node.name || '(unnamed)'} (${node.type}): input ${i} of shape [${own}] is not within the normalised dimensions [${tail}]`,
      );
    }
  }
  return opaque(node, outputs, {
    reads: [
      { tensor: 0, map },
      ...parameters.map((tensor) => ({ tensor, map: input(node, tensor).shape.map((size) => ({ at: 0, size })) })),
    ],
    domain,
    writes: [map, statistics, statistics].slice(0, outputs.length),
    attributes: { axes, epsilon: number(node, 'epsilon', 1e-5) },
    macs: elements(shape) * 2,
  });
}

/** Multiplies by a scale and adds a bias that broadcast to the last dimensions. */
function affine(data: Values, values: Float64Array, scale: Values | undefined, bias: Values | undefined): Float64Array {
  const offset = (parameter: Values, i: number): number => {
    let rest = i;
    let position = 0;
    let stride = 1;
    for (let d = parameter.shape.length - 1; d >= 0; d--) {
      const extent = data.shape[data.shape.length - parameter.shape.length + d];
      if (parameter.shape[d] !== 1) position += (rest % extent) * stride;
      rest = Math.floor(rest / extent);
      stride *= parameter.shape[d];
    }
    return position;
  };
  return values.map((v, i) => v * (scale ? scale.data[offset(scale, i)] : 1) + (bias ? bias.data[offset(bias, i)] : 0));
}

const layer: Lowering = {
  lower: overTail,
  evaluate(attributes, [data, scale, bias]) {
    const [out, ...statistics] = resultsOf(attributes);
    const axes = attributes.axes as readonly number[];
    const epsilon = attributes.epsilon as number;
    const means: number[] = [];
    const inverse: number[] = [];
    const values = perGroup(data, axes, (own) => {
      const { mean, variance } = moments(own);
      means.push(mean);
      inverse.push(1 / Math.sqrt(variance + epsilon));
      return standard(epsilon)(own);
    });
    return [
      { ...out, data: affine(data, values, scale, bias) },
      ...statistics.map((result, i) => ({ ...result, data: i === 0 ? means : inverse })),
    ];
  },
};

const rms: Lowering = {
  lower: overTail,
  evaluate(attributes, [data, scale]) {
    const epsilon = attributes.epsilon as number;
    const values = perGroup(data, attributes.axes as readonly number[], (own) => {
      let squares = 0;
      for (const value of own) squares += value * value;
      return own.map((value) => value / Math.sqrt(squares / own.length + epsilon));
    });
    return [{ ...resultsOf(attributes)[0], data: affine(data, values, scale, undefined) }];
  },
};

/** LpNormalization (p 1 or 2) along an axis, and MeanVarianceNormalization. */
const along = (
  axesFor: (node: ModelNode, rank: number) => number[],
  scaled: (values: Float64Array, p: number) => Float64Array,
): Lowering => ({
  lower(node) {
    const { shape, dtype } = input(node, 0);
    const axes = axesFor(node, shape.length).map((axis) => axisOf(node, axis, shape.length));
    const { domain, map } = windowMap(shape, axes);
    return opaque(node, [{ shape, dtype }], {
      reads: [{ tensor: 0, map }],
      domain,
      writes: [map],
      attributes: { axes, p: number(node, 'p', 2) },
    });
  },
  evaluate(attributes, [data]) {
    const values = perGroup(data, attributes.axes as readonly number[], (own) => scaled(own, attributes.p as number));
    return [{ ...resultsOf(attributes)[0], data: values }];
  },
});

function unit(values: Float64Array, p: number): Float64Array {
  let total = 0;
  for (const value of values) total += p === 1 ? Math.abs(value) : value * value;
  const size = p === 1 ? total : Math.sqrt(total);
  return values.map((value) => (size === 0 ? 0 : value / size));
}

const meanVariance = (values: Float64Array): Float64Array => {
  const { mean, variance } = moments(values);
  return values.map((value) => (value - mean) / (Math.sqrt(variance) + 1e-9));
};

export const NormalizeOperators = operatorFamily('', {
  BatchNormalization: batchNormalization,
  InstanceNormalization: instance,
  GroupNormalization: group,
  LayerNormalization: layer,
  RMSNormalization: rms,
  LRN: lrn,
  LpNormalization: along((node) => [number(node, 'axis', -1)], unit),
  MeanVarianceNormalization: along((node) => numbers(node, 'axes', [0, 2, 3]), meanVariance),
});
