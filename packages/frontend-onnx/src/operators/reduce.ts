import { type Body, type DType, type Expr, elements, type IndexMap, type Lowered, type ModelNode, type Scalar } from '@regrain/core-ir';
import { flag, numbers } from './attributes.js';
import {
  accumulatorOf,
  at,
  axisOf,
  constantInput,
  input,
  isFloat,
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
import { add, call, div, max, min, mul, x } from './scalar.js';

/** The axes of a reduction, sorted: attribute, or second input (opset 13 for ReduceSum, 18 for the others); undefined = leave all. */
export function reducedAxes(node: ModelNode): number[] | undefined {
  const { shape } = input(node, 0);
  const given = node.inputs[1] ? constantInput(node, 1, 'axes') : numbers(node, 'axes', []);
  if (given.length === 0) return flag(node, 'noop_with_empty_axes') ? undefined : shape.map((_, d) => d);
  return [...new Set(given.map((axis) => axisOf(node, axis, shape.length)))].sort((a, b) => a - b);
}

/** Shapes and maps of a reduction over `axes`: domain `[result… | axes…]`. */
export function reduceShape(shape: readonly number[], axes: readonly number[], keep: boolean) {
  const out: number[] = [];
  const data: Expr[] = shape.map((extent, d) => {
    if (axes.includes(d)) {
      if (keep) out.push(1);
      return 0;
    }
    out.push(extent);
    return { d: out.length - 1 };
  });
  axes.forEach((axis, i) => {
    data[axis] = { d: out.length + i };
  });
  const write: IndexMap = out.map((_, d) => at({ d }));
  return { out, reduced: axes.map((axis) => shape[axis]), data: data.map((expr) => at(expr)) as IndexMap, write };
}

function reduced(node: ModelNode, make: (dtype: DType, count: number) => Body): Lowered {
  const { shape, dtype } = input(node, 0);
  const axes = reducedAxes(node) ?? [];
  const { out, reduced: extents, data, write: map } = reduceShape(shape, axes, flag(node, 'keepdims', true));
  const body = make(dtype, elements(extents));
  return {
    outputs: [{ shape: out, dtype }],
    operations: [
      {
        name: node.name,
        type: node.type,
        attributes: {},
        domain: [...parallel(out), ...reduction(extents)],
        operands: [read(0, data), write(node.inputs.length, map)],
        // Without a reduced dimension the body is its step, once.
        body: extents.length > 0 ? body : { ...body, finish: put(body.finish, put(body.step, body.init)) },
        macs: elements(shape),
      },
    ],
  };
}

/** Replaces the accumulator. */
function put(scalar: Scalar, acc: Scalar): Scalar {
  if (scalar === 'acc') return acc;
  return typeof scalar === 'object' && 'fn' in scalar ? { fn: scalar.fn, args: scalar.args.map((arg) => put(arg, acc)) } : scalar;
}

const sum =
  (term: (value: Scalar) => Scalar, finish: (acc: Scalar, count: number, dtype: DType) => Scalar = (acc) => acc) =>
  (dtype: DType, count: number): Body => ({
    acc: accumulatorOf(dtype),
    init: 0,
    step: add('acc', term(x(0))),
    finish: finish('acc', count, dtype),
  });

/** An operator that leaves its input as it is where no axis is reduced (`noop_with_empty_axes`). */
const over = (make: (dtype: DType, count: number) => Body): Lowering => ({ lower: (node) => reduced(node, make) });
const mean = (acc: Scalar, count: number, dtype: DType): Scalar => (isFloat(dtype) ? div(acc, count) : call('trunc', div(acc, count)));
const extreme = (join: typeof max, end: 0 | 1): Lowering =>
  over((dtype) => ({ acc: dtype, init: rangeOf(dtype)[end], step: join('acc', x(0)), finish: 'acc' }));

/** ReduceLogSumExp needs the maximum first: opaque, its axes taken at once. */
const logSumExp: Lowering = {
  lower(node) {
    const { shape, dtype } = input(node, 0);
    const axes = reducedAxes(node) ?? [];
    const keep = flag(node, 'keepdims', true);
    const { out } = reduceShape(shape, axes, keep);
    const { domain, map } = windowMap(shape, axes);
    let next = 0;
    const own: IndexMap = shape.flatMap((_, d) => (axes.includes(d) ? (keep ? [at(0)] : []) : [at({ d: next++ })]));
    return opaque(node, [{ shape: out, dtype }], { reads: [{ tensor: 0, map }], domain, writes: [own], attributes: { axes } });
  },
  evaluate(attributes, [data]) {
    const [out] = resultsOf(attributes);
    const rows = gatherAxes(data.shape, attributes.axes as readonly number[]);
    const values = Float64Array.from({ length: rows.outer.length }, (_, r) => {
      let greatest = Number.NEGATIVE_INFINITY;
      for (const offset of rows.inner) greatest = Math.max(greatest, data.data[rows.outer[r] + offset]);
      const shift = Number.isFinite(greatest) ? greatest : 0;
      let total = 0;
      for (const offset of rows.inner) total += Math.exp(data.data[rows.outer[r] + offset] - shift);
      return shift + Math.log(total);
    });
    return [{ ...out, data: values }];
  },
};

/** Offsets of a tensor's elements: `outer` over all dimensions but `axes` (row-major), `inner` over `axes`. */
export function gatherAxes(shape: readonly number[], axes: readonly number[]): { outer: number[]; inner: number[] } {
  let outer = [0];
  let inner = [0];
  shape.forEach((extent, d) => {
    const stride = elements(shape.slice(d + 1));
    const grow = (offsets: number[]) => offsets.flatMap((offset) => Array.from({ length: extent }, (_, i) => offset + i * stride));
    if (axes.includes(d)) inner = grow(inner);
    else outer = grow(outer);
  });
  return { outer, inner };
}

/** Reductions over axes; each can be split in partial sums. `noop_with_empty_axes` still applies the operator's term (opset 18). */
export const ReduceOperators = operatorFamily('', {
  ReduceSum: over(sum((value) => value)),
  ReduceMean: over(sum((value) => value, mean)),
  ReduceL1: over(sum((value) => call('abs', value))),
  ReduceL2: over(
    sum(
      (value) => mul(value, value),
      (acc) => call('sqrt', acc),
    ),
  ),
  ReduceSumSquare: over(sum((value) => mul(value, value))),
  ReduceLogSum: over(
    sum(
      (value) => value,
      (acc) => call('log', acc),
    ),
  ),
  ReduceProd: over((dtype) => ({ acc: accumulatorOf(dtype), init: 1, step: mul('acc', x(0)), finish: 'acc' })),
  ReduceMax: extreme(max, 0),
  ReduceMin: extreme(min, 1),
  ReduceLogSumExp: logSumExp,
});
