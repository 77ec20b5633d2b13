import { elements, type IndexMap } from '@regrain/core-ir';
import { flag, number } from './attributes.js';
import { einsum } from './einsum.js';
import {
  at,
  axisOf,
  constantInput,
  dims,
  input,
  type Lowering,
  opaque,
  operatorFamily,
  pointwise,
  resultsOf,
  windowMap,
  wrong,
} from './lowering.js';
import { pad } from './pad.js';
import { gatherAxes } from './reduce.js';
import { add, call, select, x } from './scalar.js';

/** ArgMax and ArgMin: opaque along their axis. */
const extremeIndex = (better: (a: number, b: number) => boolean): Lowering => ({
  lower(node) {
    const { shape } = input(node, 0);
    const axis = axisOf(node, number(node, 'axis', 0), shape.length);
    const keep = flag(node, 'keepdims', true);
    const { domain, map } = windowMap(shape, [axis]);
    const out = shape.flatMap((extent, d) => (d === axis ? (keep ? [1] : []) : [extent]));
    const own: IndexMap = map.flatMap((range, d) => (d === axis ? (keep ? [at(0)] : []) : [range]));
    return opaque(node, [{ shape: out, dtype: 'int64' }], {
      reads: [{ tensor: 0, map }],
      domain,
      writes: [own],
      attributes: { axis, last: flag(node, 'select_last_index') },
    });
  },
  evaluate(attributes, [data]) {
    const { outer, inner } = gatherAxes(data.shape, [attributes.axis as number]);
    const values = outer.map((base) => {
      let best = 0;
      for (let i = 1; i < inner.length; i++) {
        const [candidate, holder] = [data.data[base + inner[i]], data.data[base + inner[best]]];
        if (better(candidate, holder) || (attributes.last && candidate === holder)) best = i;
      }
      return best;
    });
    return [{ ...resultsOf(attributes)[0], data: values }];
  },
});

/** TopK (opset 10: k as input): values and positions along an axis, equal values by position. */
const topK: Lowering = {
  lower(node) {
    const { shape, dtype } = input(node, 0);
    const axis = axisOf(node, number(node, 'axis', -1), shape.length);
    const k = node.inputs[1] ? constantInput(node, 1, 'K')[0] : number(node, 'k', 1);
    if (!(k >= 0 && k <= shape[axis])) throw wrong(node, `K ${k} does not fit axis ${axis} of [${shape}]`);
    const out = shape.map((extent, d) => (d === axis ? k : extent));
    const { domain, map } = windowMap(shape, [axis]);
    const own = windowMap(out, [axis]).map;
    const outputs = [
      { shape: out, dtype },
      { shape: out, dtype: 'int64' as const },
    ].slice(0, Math.max(1, node.outputs));
    return opaque(node, outputs, {
      reads: [{ tensor: 0, map }],
      domain,
      writes: outputs.map(() => own),
      attributes: { axis, largest: flag(node, 'largest', true) },
    });
  },
  evaluate(attributes, [data]) {
    const results = resultsOf(attributes);
    const axis = attributes.axis as number;
    const from = gatherAxes(data.shape, [axis]);
    const to = gatherAxes(results[0].shape, [axis]);
    const [values, positions] = [0, 0].map(() => new Float64Array(elements(results[0].shape)));
    from.outer.forEach((base, r) => {
      const order = from.inner.map((_, i) => i);
      const value = (i: number): number => data.data[base + from.inner[i]];
      order.sort((a, b) => (attributes.largest ? value(b) - value(a) : value(a) - value(b)) || a - b);
      to.inner.forEach((offset, i) => {
        values[to.outer[r] + offset] = value(order[i]);
        positions[to.outer[r] + offset] = order[i];
      });
    });
    return results.map((result, i) => ({ ...result, data: i === 0 ? values : positions }));
  },
};

/** CumSum and CumProd along a constant axis. */
const cumulative = (join: (a: number, b: number) => number, neutral: number): Lowering => ({
  lower(node) {
    const { shape, dtype } = input(node, 0);
    const axis = axisOf(node, constantInput(node, 1, 'axis')[0], shape.length);
    const { domain, map } = windowMap(shape, [axis]);
    return opaque(node, [{ shape, dtype }], {
      reads: [{ tensor: 0, map }],
      domain,
      writes: [map],
      attributes: { axis, exclusive: flag(node, 'exclusive'), reverse: flag(node, 'reverse') },
    });
  },
  evaluate(attributes, [data]) {
    const { outer, inner } = gatherAxes(data.shape, [attributes.axis as number]);
    const values = new Float64Array(data.data.length);
    const order = attributes.reverse ? [...inner].reverse() : inner;
    for (const base of outer) {
      let sum = neutral;
      for (const offset of order) {
        const next = join(sum, data.data[base + offset]);
        values[base + offset] = attributes.exclusive ? sum : next;
        sum = next;
      }
    }
    return [{ ...resultsOf(attributes)[0], data: values }];
  },
});

/** Trilu as a product with a constant mask of 0 and 1, chosen so that infinities outside do not matter. */
const trilu: Lowering = {
  lower(node) {
    const { shape, dtype } = input(node, 0);
    if (shape.length < 2) throw wrong(node, `needs a matrix, not [${shape}]`);
    const k = node.inputs[1] ? constantInput(node, 1, 'k')[0] : 0;
    const upper = flag(node, 'upper', true);
    const [rows, columns] = shape.slice(-2);
    const mask = Array.from({ length: rows * columns }, (_, i) => {
      const offset = (i % columns) - Math.floor(i / columns);
      return (upper ? offset >= k : offset <= k) ? 1 : 0;
    });
    const own = node.inputs.length + 1;
    return pointwise(
      node,
      { shape, dtype },
      [
        { tensor: 0, shape, dtype },
        { tensor: own, shape: [rows, columns] },
      ],
      select(x(1), x(0), 0),
      [{ shape: [rows, columns], dtype: 'bool', values: mask }],
    );
  },
};

/** OneHot: the depth a constant, the two values constants; the position on the axis is compared with the index. */
const oneHot: Lowering = {
  lower(node) {
    const [indices, values] = [input(node, 0), input(node, 2)];
    const depth = constantInput(node, 1, 'depth')[0];
    const axis = axisOf(node, number(node, 'axis', -1), indices.shape.length + 1);
    const [off, on] = constantInput(node, 2, 'values');
    const shape = [...indices.shape.slice(0, axis), depth, ...indices.shape.slice(axis)];
    const own = node.inputs.length + 1;
    const position = call('select', call('lt', x(0), 0), add(x(0), depth), x(0));
    return pointwise(
      node,
      { shape, dtype: values.dtype },
      [
        { tensor: 0, shape: indices.shape, map: [...dims(0, axis), ...dims(axis + 1, indices.shape.length - axis)] },
        { tensor: own, shape: [depth], map: [at({ d: axis })] },
      ],
      select(call('eq', position, x(1)), on, off),
      [{ shape: [depth], dtype: 'int64', values: Array.from({ length: depth }, (_, i) => i) }],
    );
  },
};

/** Tile: reads modulo the input's extent. */
const tile: Lowering = {
  lower(node) {
    const { shape, dtype } = input(node, 0);
    const repeats = constantInput(node, 1, 'repeats');
    if (repeats.length !== shape.length) throw wrong(node, `${repeats.length} repeats do not fit [${shape}]`);
    const map = shape.map((extent, d) => at(repeats[d] === 1 ? { d } : extent === 1 ? 0 : ['mod', { d }, extent]));
    return pointwise(node, { shape: shape.map((extent, d) => extent * repeats[d]), dtype }, [{ tensor: 0, shape, dtype, map }], x(0));
  },
};

export const MiscOperators = operatorFamily('', {
  ArgMax: extremeIndex((a, b) => a > b),
  ArgMin: extremeIndex((a, b) => a < b),
  TopK: topK,
  CumSum: cumulative((a, b) => a + b, 0),
  CumProd: cumulative((a, b) => a * b, 1),
  Trilu: trilu,
  OneHot: oneHot,
  Tile: tile,
  Einsum: einsum,
  Pad: pad,
});
