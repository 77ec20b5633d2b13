import { type DType, elements, type IndexMap, type ModelNode, type Scalar, unsupported } from '@regrain/core-ir';
import { number } from './attributes.js';
import {
  at,
  axisOf,
  input,
  type Lowering,
  opaque,
  operatorFamily,
  type PointInput,
  pointInput,
  pointwise,
  rangeOf,
  resultsOf,
  scalarConstant,
  wholeMap,
  wrong,
} from './lowering.js';
import { add, call, clamp, mul, sub, x } from './scalar.js';
import { dtypeOf } from './types.js';

/** `saturate(roundEven(value) + zero)` in an integer type. */
export function saturated(value: Scalar, zero: Scalar, dtype: DType): Scalar {
  const [low, high] = rangeOf(dtype);
  return clamp(add(call('roundEven', value), zero), low, high);
}

/** How scale and zero point are read at a point of the data: per tensor, per axis, or per block of an axis (opset 21). */
function parameterMap(node: ModelNode, shape: readonly number[], parameter: readonly number[]): IndexMap {
  if (elements(parameter) === 1 && parameter.length <= 1) return parameter.map(() => at(0));
  const axis = axisOf(node, number(node, 'axis', 1), shape.length);
  const block = number(node, 'block_size', 0);
  if (block > 0) {
    if (parameter.length !== shape.length) throw wrong(node, `blocked parameters [${parameter}] do not fit [${shape}]`);
    return shape.map((_, d) => at(d === axis ? ['div', { d }, block] : { d }));
  }
  if (parameter.length !== 1 || parameter[0] !== shape[axis])
    throw wrong(node, `${elements(parameter)} scales do not fit axis ${axis} of [${shape}]`);
  return [at({ d: axis })];
}

/** Scale and zero point as scalars, or as reads after `first` others. */
function parameters(node: ModelNode): { scale: Scalar; zero: Scalar; reads: PointInput[] } {
  const { shape } = input(node, 0);
  const reads: PointInput[] = [pointInput(node, 0)];
  const take = (index: number): Scalar => {
    const known = scalarConstant(node, index);
    if (known !== undefined) return known;
    const parameter = input(node, index).shape;
    reads.push({ tensor: index, shape: parameter, map: parameterMap(node, shape, parameter) });
    return x(reads.length - 1);
  };
  const scale = take(1);
  return { scale, zero: node.inputs[2] ? take(2) : 0, reads };
}

/** QuantizeLinear: `saturate(roundEven(x / scale) + zero)`, the quotient rounded to float32 as ONNX Runtime computes it. */
const quantize: Lowering = {
  lower(node) {
    const { shape } = input(node, 0);
    const code = number(node, 'output_dtype', 0);
    const dtype = node.inputs[2]?.dtype ?? (code ? dtypeOf(node, code) : 'uint8');
    const { scale, zero, reads } = parameters(node);
    return pointwise(node, { shape, dtype }, reads, saturated(call('fround', call('div', x(0), scale)), zero, dtype));
  },
};

/** DequantizeLinear: `(x - zero) * scale`. */
const dequantize: Lowering = {
  lower(node) {
    const { shape } = input(node, 0);
    const { scale, zero, reads } = parameters(node);
    return pointwise(node, { shape, dtype: input(node, 1).dtype }, reads, mul(sub(x(0), zero), scale));
  },
};

/** DynamicQuantizeLinear: uint8 over the data's range, which must hold 0; opaque, since all of the data gives the scale. */
const dynamic: Lowering = {
  lower(node) {
    const { shape, dtype } = input(node, 0);
    if (dtype !== 'float32') throw unsupported(`node ${node.name || '(unnamed)'} (${node.type}): data of ${dtype} is not handled`);
    const outputs = [
      { shape, dtype: 'uint8' as const },
      { shape: [], dtype: 'float32' as const },
      { shape: [], dtype: 'uint8' as const },
    ].slice(0, Math.max(1, node.outputs));
    return opaque(node, outputs, { reads: [{ tensor: 0, map: wholeMap(shape) }] });
  },
  evaluate(attributes, [data]) {
    let [low, high] = [0, 0];
    for (let i = 0; i < data.data.length; i++) {
      low = Math.min(low, data.data[i]);
      high = Math.max(high, data.data[i]);
    }
    const scale = Math.fround(Math.fround(high - low) / 255) || 1;
    const zero = Math.min(255, Math.max(0, roundEven(Math.fround(-low / scale))));
    const values = Float64Array.from(data.data, (value) => Math.min(255, Math.max(0, roundEven(Math.fround(value / scale)) + zero)));
    const all = [values, [scale], [zero]];
    return resultsOf(attributes).map((result, i) => ({ ...result, data: all[i] }));
  },
};

/** To the nearest integer, halves to the even one. */
export function roundEven(value: number): number {
  const down = Math.floor(value);
  const rest = value - down;
  if (rest < 0.5) return down;
  return rest > 0.5 || down % 2 !== 0 ? down + 1 : down;
}

export const QuantizeOperators = operatorFamily('', {
  QuantizeLinear: quantize,
  DequantizeLinear: dequantize,
  DynamicQuantizeLinear: dynamic,
});
