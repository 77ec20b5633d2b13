import { elements, type IndexMap, type IndexRange, type Lowered, type ModelNode, unsupported, type Values } from '@regrain/core-ir';
import { number, text } from './attributes.js';
import { fit } from './fit.js';
import {
  at,
  axisOf,
  constantOf,
  dims,
  input,
  type Lowering,
  opaque,
  opaqueWhole,
  operatorFamily,
  pointwise,
  resultsOf,
  wrong,
} from './lowering.js';
import { x } from './scalar.js';

/** A possibly negative index. */
const wrapped = (index: number, extent: number): number => (index < 0 ? index + extent : index);

/** Gather along an axis. Known, regular indices (one index, a range, every second) are a plain index map; others read all of the axis. */
const gather: Lowering = {
  lower(node) {
    const [data, indices] = [input(node, 0), input(node, 1)];
    const axis = axisOf(node, number(node, 'axis', 0), data.shape.length);
    const rank = indices.shape.length;
    const shape = [...data.shape.slice(0, axis), ...indices.shape, ...data.shape.slice(axis + 1)];
    const rest = (own: IndexRange): IndexMap => [...dims(0, axis), own, ...dims(axis + rank, data.shape.length - axis - 1)];
    const known = constantOf(node, 1);
    if (known) {
      const positions = Array.from(known, (index) => wrapped(index, data.shape[axis]));
      const bad = positions.find((position) => !(position >= 0 && position < data.shape[axis]));
      if (bad !== undefined) throw wrong(node, `index ${bad} is outside axis ${axis} of [${data.shape}]`);
      const expr = rank <= 1 ? fit(positions, axis) : undefined;
      if (expr !== undefined) {
        return pointwise(
          node,
          { shape, dtype: data.dtype },
          [{ tensor: 0, shape: data.shape, dtype: data.dtype, map: rest(at(expr)) }],
          x(0),
        );
      }
    }
    return opaque(node, [{ shape, dtype: data.dtype }], {
      reads: [
        { tensor: 0, map: rest('all') },
        { tensor: 1, map: dims(axis, rank) },
      ],
      domain: shape,
      writes: [dims(0, shape.length)],
      attributes: { axis },
    });
  },
  evaluate(attributes, [data, indices]) {
    const [out] = resultsOf(attributes);
    const axis = attributes.axis as number;
    const inner = elements(data.shape.slice(axis + 1));
    const extent = data.shape[axis];
    const count = indices.data.length;
    const values = new Float64Array(elements(out.shape));
    for (let i = 0; i < values.length; i++) {
      const block = Math.floor(i / inner);
      const index = wrapped(indices.data[block % count], extent);
      values[i] = data.data[(Math.floor(block / count) * extent + index) * inner + (i % inner)];
    }
    return [{ ...out, data: values }];
  },
};

/** Row-major strides. */
const stridesOf = (shape: readonly number[]): number[] => shape.map((_, d) => elements(shape.slice(d + 1)));

/** The flat index in `shape` of element i of `indices`, with its coordinate along `axis` replaced. */
function elementOffset(indices: Values, i: number, shape: readonly number[], axis: number): number {
  const own = stridesOf(indices.shape);
  const strides = stridesOf(shape);
  let offset = 0;
  for (let d = 0; d < shape.length; d++) {
    const coordinate = d === axis ? wrapped(indices.data[i], shape[d]) : Math.floor(i / own[d]) % indices.shape[d];
    offset += coordinate * strides[d];
  }
  return offset;
}

const gatherElements: Lowering = {
  lower(node) {
    const [data, indices] = [input(node, 0), input(node, 1)];
    const axis = axisOf(node, number(node, 'axis', 0), data.shape.length);
    if (indices.shape.length !== data.shape.length) throw wrong(node, `indices [${indices.shape}] and data [${data.shape}] differ in rank`);
    return opaque(node, [{ shape: indices.shape, dtype: data.dtype }], {
      reads: [
        { tensor: 0, map: data.shape.map((_, d): IndexRange => (d === axis ? 'all' : at({ d }))) },
        { tensor: 1, map: dims(0, data.shape.length) },
      ],
      domain: indices.shape,
      writes: [dims(0, data.shape.length)],
      attributes: { axis },
    });
  },
  evaluate(attributes, [data, indices]) {
    const [out] = resultsOf(attributes);
    const values = Float64Array.from(indices.data, (_, i) => data.data[elementOffset(indices, i, data.shape, attributes.axis as number)]);
    return [{ ...out, data: values }];
  },
};

/** Where the slice that a tuple of indices names begins. */
function tupleOffset(indices: Values, tuple: number, shape: readonly number[], from: number): number {
  const length = indices.shape[indices.shape.length - 1];
  const strides = stridesOf(shape);
  let offset = 0;
  for (let k = 0; k < length; k++) offset += wrapped(indices.data[tuple * length + k], shape[from + k]) * strides[from + k];
  return offset;
}

const gatherND: Lowering = {
  lower(node) {
    const [data, indices] = [input(node, 0), input(node, 1)];
    const batch = number(node, 'batch_dims', 0);
    const length = indices.shape[indices.shape.length - 1];
    const shape = [...indices.shape.slice(0, -1), ...data.shape.slice(batch + length)];
    return opaqueWhole(node, [{ shape, dtype: data.dtype }], { batch });
  },
  evaluate(attributes, [data, indices]) {
    const [out] = resultsOf(attributes);
    const batch = attributes.batch as number;
    const length = indices.shape[indices.shape.length - 1];
    const slice = elements(data.shape.slice(batch + length));
    const tuples = elements(indices.shape.slice(0, -1));
    const perBatch = tuples / elements(indices.shape.slice(0, batch));
    const batchSize = elements(data.shape.slice(batch));
    const values = new Float64Array(tuples * slice);
    for (let t = 0; t < tuples; t++) {
      const offset = Math.floor(t / perBatch) * batchSize + tupleOffset(indices, t, data.shape, batch);
      for (let i = 0; i < slice; i++) values[t * slice + i] = data.data[offset + i];
    }
    return [{ ...out, data: values }];
  },
};

const REDUCTIONS: Readonly<Record<string, (a: number, b: number) => number>> = {
  none: (_, b) => b,
  add: (a, b) => a + b,
  mul: (a, b) => a * b,
  min: Math.min,
  max: Math.max,
};

function scatter(node: ModelNode): Lowered {
  const { shape, dtype } = input(node, 0);
  const reduction = text(node, 'reduction', 'none');
  if (!REDUCTIONS[reduction]) throw unsupported(`node ${node.name || '(unnamed)'} (${node.type}): reduction ${reduction} is not handled`);
  const axis = axisOf(node, number(node, 'axis', 0), shape.length);
  return opaqueWhole(node, [{ shape, dtype }], { axis, reduction });
}

const scatterElements: Lowering = {
  lower: scatter,
  evaluate(attributes, [data, indices, updates]) {
    const values = Float64Array.from(data.data);
    const join = REDUCTIONS[attributes.reduction as string];
    for (let i = 0; i < updates.data.length; i++) {
      const offset = elementOffset(indices, i, data.shape, attributes.axis as number);
      values[offset] = join(values[offset], updates.data[i]);
    }
    return [{ ...resultsOf(attributes)[0], data: values }];
  },
};

const scatterND: Lowering = {
  lower: scatter,
  evaluate(attributes, [data, indices, updates]) {
    const values = Float64Array.from(data.data);
    const join = REDUCTIONS[attributes.reduction as string];
    const slice = elements(data.shape.slice(indices.shape[indices.shape.length - 1]));
    for (let i = 0; i < updates.data.length; i++) {
      const offset = tupleOffset(indices, Math.floor(i / slice), data.shape, 0) + (i % slice);
      values[offset] = join(values[offset], updates.data[i]);
    }
    return [{ ...resultsOf(attributes)[0], data: values }];
  },
};

export const GatherOperators = operatorFamily('', {
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherND,
  Scatter: scatterElements,
  ScatterElements: scatterElements,
  ScatterND: scatterND,
});
