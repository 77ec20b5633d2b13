import { apply, type Expr, elements, type ModelNode, type Operand, add as plus, unsupported } from '@regrain/core-ir';
import { number, numbers, text } from './attributes.js';
import { accumulatorOf, at, dims, input, type Lowering, parallel, read, reduction, write, wrong } from './lowering.js';
import { add, mul, x } from './scalar.js';

/** One spatial dimension of a transposed convolution. */
interface Axis {
  readonly stride: number;
  readonly dilation: number;
  readonly pad: number;
  readonly kernel: number;
  readonly size: number;
  readonly out: number;
  /** Taps that one output element has at most. */
  readonly taps: number;
}

/**
 * ConvTranspose as a gather: output position o receives, for tap t, input `(o + pad) div stride - t` times the kernel's element
 * `(o + pad) mod stride + t * stride`; both yield 0 outside. Only divisible positions occur, so nothing is computed in vain, and the
 * bounds are tight. With stride 1 a dilation is `input o + pad - t * dilation`, kernel element t.
 */
export const transposed: Lowering = {
  lower(node) {
    const data = input(node, 0);
    const weights = input(node, 1);
    const bias = node.inputs[2];
    const rank = data.shape.length - 2;
    if (rank < 1 || weights.shape.length !== data.shape.length)
      throw wrong(node, `data [${data.shape}] and weights [${weights.shape}] do not fit`);
    const group = number(node, 'group', 1);
    const [batch, channels] = data.shape;
    const perGroup = weights.shape[1];
    if (channels !== weights.shape[0] || channels % group !== 0)
      throw wrong(node, `${channels} channels do not fit weights [${weights.shape}]`);
    const axes = axesOf(node, data.shape.slice(2), weights.shape.slice(2));
    const outChannels = perGroup * group;
    const outShape = [batch, outChannels, ...axes.map((axis) => axis.out)];
    const ic = 2 + rank;
    const inPerGroup = channels / group;
    const tap = (d: number): Expr => ({ d: ic + 1 + d });
    const channel =
      group === 1 ? { d: ic } : plus(apply('*', apply('div', { d: 1 }, perGroup), inPerGroup), inPerGroup === 1 ? 0 : { d: ic });
    const outChannel = group === 1 ? { d: 1 } : apply('mod', { d: 1 }, perGroup);
    const ragged = axes.some((axis) => axis.dilation === 1 && axis.kernel % axis.stride !== 0);
    const operands: Operand[] = [
      read(
        0,
        [
          at({ d: 0 }),
          at(channel),
          ...axes.map(({ stride, dilation, pad }, d) =>
            at(plus(apply('div', plus({ d: 2 + d }, pad), stride), apply('*', tap(d), -dilation))),
          ),
        ],
        0,
      ),
      read(
        1,
        [
          at(channel),
          at(outChannel),
          ...axes.map(({ stride, pad }, d) =>
            at(stride === 1 ? tap(d) : plus(apply('mod', plus({ d: 2 + d }, pad), stride), apply('*', tap(d), stride))),
          ),
        ],
        ragged ? 0 : undefined,
      ),
    ];
    if (bias) operands.push(read(2, [at({ d: 1 })]));
    const taps = axes.map(({ out, pad, stride, kernel, taps, dilation }) =>
      dilation > 1
        ? out * kernel
        : range(out).reduce((sum, o) => sum + range(taps).filter((t) => ((o + pad) % stride) + t * stride < kernel).length, 0),
    );
    return {
      outputs: [{ shape: outShape, dtype: data.dtype }],
      operations: [
        {
          name: node.name,
          type: node.type,
          attributes: { group },
          domain: [...parallel(outShape), ...reduction([inPerGroup, ...axes.map((axis) => axis.taps)])],
          operands: [...operands, write(node.inputs.length, dims(0, outShape.length))],
          body: {
            acc: accumulatorOf(data.dtype),
            init: 0,
            step: add('acc', mul(x(0), x(1))),
            finish: bias ? add('acc', x(2)) : 'acc',
          },
          macs: batch * outChannels * inPerGroup * elements(taps),
        },
      ],
    };
  },
};

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

function axesOf(node: ModelNode, size: readonly number[], kernel: readonly number[]): Axis[] {
  const rank = size.length;
  const strides = numbers(node, 'strides', Array(rank).fill(1));
  const dilations = numbers(node, 'dilations', Array(rank).fill(1));
  const extra = numbers(node, 'output_padding', Array(rank).fill(0));
  const pads = numbers(node, 'pads', Array(2 * rank).fill(0));
  const wanted = numbers(node, 'output_shape')?.slice(-rank);
  const automatic = text(node, 'auto_pad', 'NOTSET');
  return size.map((extent, d) => {
    const [stride, dilation] = [strides[d], dilations[d]];
    if (!(stride >= 1 && dilation >= 1)) throw wrong(node, 'strides and dilations must be at least 1');
    if (dilation > 1 && stride > 1)
      throw unsupported(`node ${node.name} (ConvTranspose): a stride and a dilation in one dimension are not handled`);
    const full = stride * (extent - 1) + extra[d] + (kernel[d] - 1) * dilation + 1;
    let pad = pads[d];
    let out = full - pads[d] - pads[d + rank];
    if (wanted || automatic === 'SAME_UPPER' || automatic === 'SAME_LOWER') {
      out = wanted?.[d] ?? extent * stride;
      const total = Math.max(0, full - out);
      // ONNX: SAME_UPPER puts the odd one at the end, anything else at the beginning.
      pad = automatic === 'SAME_UPPER' ? total >> 1 : total - (total >> 1);
    } else if (automatic === 'VALID') {
      [pad, out] = [0, full];
    }
    if (out < 1) throw wrong(node, `dimension ${d + 2} of the result would be ${out}`);
    return { stride, dilation, pad, kernel: kernel[d], size: extent, out, taps: dilation > 1 ? kernel[d] : Math.ceil(kernel[d] / stride) };
  });
}
