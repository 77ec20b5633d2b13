import { type Body, elements, type IndexMap, type Lowered, type ModelNode, type Scalar, type Values } from '@regrain/core-ir';
import { flag, number, numbers } from './attributes.js';
import {
  accumulatorOf,
  at,
  constantOf,
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
  wholeMap,
  windowMap,
  write,
  wrong,
} from './lowering.js';
import { add, call, div, max, mul, x } from './scalar.js';
import { reachesOutside, tapsInside, type Window, windowOf, windowOrAll } from './window.js';

/** A pooling window over data `[N, C, spatial…]`: domain `[n, c, out… | kernel…]`. */
export interface PoolShape {
  readonly window: Window;
  readonly outShape: readonly number[];
  readonly data: IndexMap;
  readonly padded: boolean;
}

export function poolShape(node: ModelNode, data: readonly number[]): PoolShape {
  const rank = data.length - 2;
  if (rank < 1) throw wrong(node, `the input [${data}] has no spatial dimension`);
  const kernel = numbers(node, 'kernel_shape');
  if (!kernel) throw wrong(node, 'attribute kernel_shape is missing');
  const size = data.slice(2);
  const window = windowOf(node, size, kernel);
  const outShape = [data[0], data[1], ...window.out];
  return {
    window,
    outShape,
    data: [...dims(0, 2), ...size.map((_, d) => at(windowOrAll(window, d, 2 + d, 2 + rank + d)))],
    padded: reachesOutside(window, size),
  };
}

/** All spatial dimensions at once. */
export function globalShape(node: ModelNode, data: readonly number[]): PoolShape {
  const rank = data.length - 2;
  if (rank < 1) throw wrong(node, `the input [${data}] has no spatial dimension`);
  const ones = Array(rank).fill(1);
  const zeros = Array(rank).fill(0);
  const window = { kernel: data.slice(2), strides: ones, dilations: ones, begin: zeros, end: zeros, out: ones };
  return { window, outShape: [data[0], data[1], ...ones], data: [...dims(0, 2), ...dims(2 + rank, rank)], padded: false };
}

/** Pooling with a body; `counts` are divisors per output position (spatial dimensions), operand 1. */
function pool(node: ModelNode, shape: PoolShape, outside: number, body: Body, counts?: readonly number[]): Lowered {
  const rank = shape.window.kernel.length;
  const { dtype } = input(node, 0);
  const extra = counts ? [{ shape: shape.window.out, dtype: 'float32' as const, values: counts }] : [];
  return {
    outputs: [{ shape: shape.outShape, dtype }],
    extra,
    operations: [
      {
        name: node.name,
        type: node.type,
        attributes: {},
        domain: [...parallel(shape.outShape), ...reduction(shape.window.kernel)],
        operands: [
          read(0, shape.data, shape.padded ? outside : undefined),
          ...(counts ? [read(node.inputs.length + 1, dims(2, rank))] : []),
          write(node.inputs.length, dims(0, shape.outShape.length)),
        ],
        body,
        macs: elements(shape.outShape) * elements(shape.window.kernel),
      },
    ],
  };
}

/**
 * The number of elements that each window averages, row-major over the spatial result, or one number where all are equal. Padding
 * counts with count_include_pad; what ceil_mode adds beyond it never does.
 */
export function windowCounts(node: ModelNode, shape: PoolShape, size: readonly number[]): number | number[] {
  const { window } = shape;
  const include = flag(node, 'count_include_pad');
  let counts = [1];
  for (let d = 0; d < size.length; d++) {
    const [low, high] = include ? [-window.begin[d], size[d] + window.end[d]] : [0, size[d]];
    const own = Array.from({ length: window.out[d] }, (_, o) => tapsInside(window, d, o, low, high));
    counts = counts.flatMap((count) => own.map((k) => count * k));
  }
  return counts.every((count) => count === counts[0]) ? counts[0] : counts;
}

function average(node: ModelNode, shape: PoolShape, counts: number | number[]): Lowered {
  const acc = accumulatorOf(input(node, 0).dtype);
  const several = typeof counts !== 'number';
  const body = { acc, init: 0, step: add('acc', x(0)), finish: div('acc', several ? x(1) : counts) };
  return pool(node, shape, 0, body, several ? counts : undefined);
}

function maximum(node: ModelNode, shape: PoolShape): Lowered {
  const { dtype } = input(node, 0);
  const [least] = rangeOf(dtype);
  return pool(node, shape, least, { acc: dtype, init: least, step: max('acc', x(0)), finish: 'acc' });
}

/** `(sum |x|^p)^(1/p)`. */
function norm(node: ModelNode, shape: PoolShape): Lowered {
  const acc = accumulatorOf(input(node, 0).dtype);
  const p = number(node, 'p', 2);
  const size = call('abs', x(0));
  const power: Scalar = p === 1 ? size : p === 2 ? mul(x(0), x(0)) : call('pow', size, p);
  const finish: Scalar = p === 1 ? 'acc' : p === 2 ? call('sqrt', 'acc') : call('pow', 'acc', 1 / p);
  return pool(node, shape, 0, { acc, init: 0, step: add('acc', power), finish });
}

/** MaxPool; with its second result (positions) it is opaque over the planes. */
const maxPool: Lowering = {
  lower(node) {
    const { shape, dtype } = input(node, 0);
    const pooled = poolShape(node, shape);
    if (node.outputs < 2) return maximum(node, pooled);
    const spatial = shape.slice(2).map((_, d) => 2 + d);
    const { domain, map } = windowMap(shape, spatial);
    const out = windowMap(pooled.outShape, spatial).map;
    return opaque(
      node,
      [
        { shape: pooled.outShape, dtype },
        { shape: pooled.outShape, dtype: 'int64' },
      ],
      {
        reads: [{ tensor: 0, map }],
        domain,
        writes: [out, out],
        attributes: { window: pooled.window, columnMajor: flag(node, 'storage_order') },
      },
    );
  },
  evaluate(attributes, [data]) {
    const window = attributes.window as Window;
    const [best] = resultsOf(attributes);
    const size = data.shape.slice(2);
    const plane = elements(size);
    const windows = elements(window.out);
    const values = new Float64Array(elements(best.shape));
    const positions = new Float64Array(values.length);
    const weights = size.map((_, d) => elements(attributes.columnMajor ? size.slice(0, d) : size.slice(d + 1)));
    const strides = size.map((_, d) => elements(size.slice(d + 1)));
    for (let i = 0; i < values.length; i++) {
      const base = Math.floor(i / windows) * plane;
      let greatest = Number.NEGATIVE_INFINITY;
      let position = -1;
      const visit = (d: number, rest: number, offset: number, name: number): void => {
        if (d === size.length) {
          if (data.data[base + offset] > greatest || position < 0) [greatest, position] = [data.data[base + offset], base + name];
          return;
        }
        const inner = elements(window.out.slice(d + 1));
        const out = Math.floor(rest / inner);
        for (let tap = 0; tap < window.kernel[d]; tap++) {
          const at = out * window.strides[d] - window.begin[d] + tap * window.dilations[d];
          if (at >= 0 && at < size[d]) visit(d + 1, rest - out * inner, offset + at * strides[d], name + at * weights[d]);
        }
      };
      visit(0, i % windows, 0, 0);
      values[i] = greatest;
      positions[i] = position;
    }
    return [
      { ...best, data: values },
      { shape: best.shape, dtype: 'int64', data: positions },
    ];
  },
};

/** MaxUnpool: puts every value at its position in a plane of zeros. */
const maxUnpool: Lowering = {
  lower(node) {
    const { shape, dtype } = input(node, 0);
    const kernel = numbers(node, 'kernel_shape', []);
    const strides = numbers(node, 'strides', Array(kernel.length).fill(1));
    const pads = numbers(node, 'pads', Array(2 * kernel.length).fill(0));
    const inferred = kernel.map((k, d) => (shape[2 + d] - 1) * strides[d] - pads[d] - pads[d + kernel.length] + k);
    const known = constantOf(node, 2);
    if (node.inputs[2] && !known) throw wrong(node, 'input 2 (output_shape) must be a constant');
    const out = known ? Array.from(known) : [shape[0], shape[1], ...inferred];
    return opaque(node, [{ shape: out, dtype }], {
      reads: [0, 1].map((tensor) => ({ tensor, map: wholeMap(input(node, tensor).shape) })),
      attributes: { inferred: [shape[0], shape[1], ...inferred] },
    });
  },
  evaluate(attributes, [values, positions]) {
    const [out] = resultsOf(attributes);
    const from = attributes.inferred as readonly number[];
    const data = new Float64Array(elements(out.shape));
    for (let i = 0; i < values.data.length; i++) {
      // Positions are flat in the shape that the attributes give; the result may be larger.
      let rest = positions.data[i];
      let offset = 0;
      for (let d = from.length - 1, stride = 1; d >= 0; d--) {
        offset += (rest % from[d]) * stride;
        rest = Math.floor(rest / from[d]);
        stride *= out.shape[d];
      }
      data[offset] = values.data[i];
    }
    return [{ ...out, data } satisfies Values];
  },
};

const averagePool: Lowering = {
  lower(node) {
    const { shape } = input(node, 0);
    const pooled = poolShape(node, shape);
    return average(node, pooled, windowCounts(node, pooled, shape.slice(2)));
  },
};

const global = (make: (node: ModelNode, shape: PoolShape) => Lowered): Lowering => ({
  lower: (node) => make(node, globalShape(node, input(node, 0).shape)),
});

export const PoolOperators = operatorFamily('', {
  MaxPool: maxPool,
  MaxUnpool: maxUnpool,
  AveragePool: averagePool,
  LpPool: { lower: (node) => norm(node, poolShape(node, input(node, 0).shape)) },
  GlobalAveragePool: global((node, shape) => average(node, shape, elements(shape.window.kernel))),
  GlobalMaxPool: global(maximum),
  GlobalLpPool: global(norm),
});
