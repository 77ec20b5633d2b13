import { elements, type IndexMap, type IndexRange, unsupported } from '@regrain/core-ir';
import { number, numbers, text } from './attributes.js';
import { at, axisOf, constantInput, dims, input, type Lowering, opaque, pointwise, resultsOf, scalarConstant, wrong } from './lowering.js';
import { x } from './scalar.js';

/** Pad: a constant as reads beyond the tensor, `edge` and `wrap` as index maps, `reflect` opaque along the padded axes. */
export const pad: Lowering = {
  lower(node) {
    const { shape, dtype } = input(node, 0);
    const axes = node.inputs[3] ? constantInput(node, 3, 'axes').map((axis) => axisOf(node, axis, shape.length)) : shape.map((_, d) => d);
    const pads = node.inputs[1] ? constantInput(node, 1, 'pads') : (numbers(node, 'pads') ?? numbers(node, 'paddings', []));
    if (pads.length !== 2 * axes.length) throw wrong(node, `${pads.length} pads do not fit ${axes.length} axes`);
    const begin = shape.map((_, d) => pads[axes.indexOf(d)] ?? 0);
    const end = shape.map((_, d) => (axes.includes(d) ? pads[axes.length + axes.indexOf(d)] : 0));
    const out = shape.map((extent, d) => extent + begin[d] + end[d]);
    if (out.some((extent) => extent < 1)) throw wrong(node, `the result [${out}] would be empty`);
    const mode = text(node, 'mode', 'constant');
    const moved = (d: number) => (begin[d] === 0 ? { d } : (['+', { d }, -begin[d]] as const));
    const still = (d: number): boolean => begin[d] === 0 && end[d] === 0;
    const mapped = (map: IndexMap) => pointwise(node, { shape: out, dtype }, [{ tensor: 0, shape, dtype, map }], x(0));
    switch (mode) {
      case 'constant': {
        const value = node.inputs[2] ? scalarConstant(node, 2) : number(node, 'value', 0);
        if (value === undefined) throw unsupported(`node ${node.name || '(unnamed)'} (Pad): the value must be a constant`);
        const lowered = mapped(shape.map((_, d) => at(moved(d))));
        const [operation] = lowered.operations;
        const [source, ...rest] = operation.operands;
        return { ...lowered, operations: [{ ...operation, operands: [{ ...source, outside: value }, ...rest] }] };
      }
      case 'edge':
        return mapped(shape.map((extent, d) => at(still(d) ? { d } : ['max', ['min', moved(d), extent - 1], 0])));
      case 'wrap':
        return mapped(shape.map((extent, d) => at(still(d) ? { d } : ['mod', moved(d), extent])));
      case 'reflect':
        return opaque(node, [{ shape: out, dtype }], {
          reads: [{ tensor: 0, map: shape.map((_, d): IndexRange => (still(d) ? at({ d }) : 'all')) }],
          domain: out,
          writes: [dims(0, out.length)],
          attributes: { begin },
        });
      default:
        throw wrong(node, `mode ${mode} is not known`);
    }
  },
  evaluate(attributes, [data]) {
    const [out] = resultsOf(attributes);
    const begin = attributes.begin as readonly number[];
    const values = new Float64Array(elements(out.shape));
    for (let i = 0; i < values.length; i++) {
      let rest = i;
      let offset = 0;
      let stride = 1;
      for (let d = out.shape.length - 1; d >= 0; d--) {
        const extent = data.shape[d];
        const period = Math.max(1, 2 * (extent - 1));
        const position = ((((rest % out.shape[d]) - begin[d]) % period) + period) % period;
        offset += Math.min(position, period - position) * stride;
        rest = Math.floor(rest / out.shape[d]);
        stride *= extent;
      }
      values[i] = data.data[offset];
    }
    return [{ ...out, data: values }];
  },
};
