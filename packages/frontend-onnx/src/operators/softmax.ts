import { elements, type Lowered, type ModelNode, type Values } from '@regrain/core-ir';
import { number } from './attributes.js';
import { axisOf, input, type Lowering, opaque, operatorFamily, resultsOf, windowMap } from './lowering.js';
import { gatherAxes } from './reduce.js';

/** The axes that one softmax runs over: one since opset 13, before that all from `axis` on (the flattening to two dimensions). */
export function softmaxAxes(node: ModelNode): number[] {
  const { shape } = input(node, 0);
  const axis = axisOf(node, number(node, 'axis', node.opset >= 13 ? -1 : 1), shape.length);
  return node.opset >= 13 ? [axis] : shape.map((_, d) => d).filter((d) => d >= axis);
}

function lower(node: ModelNode): Lowered {
  const { shape, dtype } = input(node, 0);
  const axes = softmaxAxes(node);
  const { domain, map } = windowMap(shape, axes);
  return opaque(node, [{ shape, dtype }], {
    reads: [{ tensor: 0, map }],
    domain,
    writes: [map],
    attributes: { axes },
    macs: elements(shape),
    inPlace: true,
  });
}

/** `finish` gives the result from the shifted value, its exponential's sum and that sum's logarithm. */
const family = (finish: (shifted: number, total: number) => number): Lowering => ({
  lower,
  evaluate(attributes, [data]) {
    const [out] = resultsOf(attributes);
    return [{ ...out, data: normalised(data, attributes.axes as readonly number[], finish) }];
  },
});

export function normalised(data: Values, axes: readonly number[], finish: (shifted: number, total: number) => number): Float64Array {
  const { outer, inner } = gatherAxes(data.shape, axes);
  const result = new Float64Array(data.data.length);
  for (const base of outer) {
    let greatest = Number.NEGATIVE_INFINITY;
    for (const offset of inner) greatest = Math.max(greatest, data.data[base + offset]);
    let total = 0;
    for (const offset of inner) total += Math.exp(data.data[base + offset] - greatest);
    for (const offset of inner) result[base + offset] = finish(data.data[base + offset] - greatest, total);
  }
  return result;
}

/** Hardmax: 1 at the first maximum. */
const hardmax: Lowering = {
  lower,
  evaluate(attributes, [data]) {
    const { outer, inner } = gatherAxes(data.shape, attributes.axes as readonly number[]);
    const result = new Float64Array(data.data.length);
    for (const base of outer) {
      let best = inner[0];
      for (const offset of inner) if (data.data[base + offset] > data.data[base + best]) best = offset;
      result[base + best] = 1;
    }
    return [{ ...resultsOf(attributes)[0], data: result }];
  },
};

export const SoftmaxOperators = operatorFamily('', {
  Softmax: family((shifted, total) => Math.exp(shifted) / total),
  LogSoftmax: family((shifted, total) => shifted - Math.log(total)),
  Hardmax: hardmax,
});
