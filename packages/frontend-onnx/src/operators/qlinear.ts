import { type Lowered, type ModelNode, unsupported } from '@regrain/core-ir';
import { constantInput, input, type Lowering, operatorFamily, wrong } from './lowering.js';
import type { Affine, Quantization } from './quantization.js';
import { QuantizedOperators } from './quantized.js';

const quantized = new QuantizedOperators();

/** Where a QLinear operator's inputs stand: each datum with its scale and zero point, and the result's. */
interface Layout {
  readonly type: string;
  /** Positions of the data among the node's inputs; scale and zero point follow, except for a bias. */
  readonly data: readonly number[];
  /** Position of an integer bias, whose scale is the product of the two data's. */
  readonly bias?: number;
  readonly output: number;
  /** The dimension along which several scales of the second datum run. */
  readonly axis?: number;
}

function affine(node: ModelNode, scale: number, zero: number, axis: number): Affine {
  const scales = constantInput(node, scale, 'scale');
  const zeros = node.inputs[zero] ? constantInput(node, zero, 'zero point') : [0];
  return { scale: scales, zeroPoint: zeros.length === scales.length ? zeros : scales.map(() => zeros[0]), axis };
}

/** Lowers the node as its quantised form: the scales become numbers, the tensors keep the node's numbering. */
function lower(node: ModelNode, { type, data, bias, output, axis = 0 }: Layout): Lowered {
  const inputs: (Affine | null)[] = data.map((position) => affine(node, position + 1, position + 2, axis));
  const from = [...data];
  const hasBias = bias !== undefined && node.inputs[bias] !== undefined;
  if (hasBias) {
    const [a, b] = inputs;
    if (!a || !b) throw wrong(node, 'a bias needs two factors');
    inputs.push({ scale: b.scale.map((scale) => scale * a.scale[0]), zeroPoint: b.scale.map(() => 0), axis: 0 });
    from.push(bias);
  }
  const { scale, zeroPoint } = affine(node, output, output + 1, 0);
  if (scale.length !== 1) throw unsupported(`node ${node.name || '(unnamed)'} (${node.type}): a result with several scales is not handled`);
  const stored = node.inputs[output + 1]?.dtype ?? input(node, data[0]).dtype;
  const quant: Omit<Quantization, 'min' | 'max'> = { inputs, output: { scale, zeroPoint }, outputDtype: stored };
  const inner: ModelNode = {
    ...node,
    type,
    domain: 'regrain',
    attributes: { ...node.attributes, quant },
    inputs: from.map((position) => node.inputs[position]),
    constants: from.map((position) => node.constants[position]),
  };
  const lowered = quantized.lower(inner);
  const place = (tensor: number): number => (tensor < from.length ? from[tensor] : tensor - from.length + node.inputs.length);
  return {
    ...lowered,
    operations: lowered.operations.map((operation) => ({
      ...operation,
      operands: operation.operands.map((operand) => ({ ...operand, tensor: place(operand.tensor) })),
    })),
  };
}

const form = (layout: Layout): Lowering => ({ lower: (node) => lower(node, layout) });
const unary = (type: string): Lowering => form({ type, data: [0], output: 3 });
const binary = (type: string, axis = 0): Lowering => form({ type, data: [0, 3], output: 6, axis });

/** QLinearConv and QLinearMatMul (opset 10): quantised tensors with scales and zero points as inputs. */
export const QLinearOperators = operatorFamily('', {
  QLinearConv: form({ type: 'QConv', data: [0, 3], bias: 8, output: 6 }),
  QLinearMatMul: binary('QMatMul', 1),
});

const globalAverage: Lowering = {
  lower(node) {
    if (node.attributes.channels_last) throw unsupported(`node ${node.name || '(unnamed)'} (${node.type}): channels_last is not handled`);
    return lower(node, { type: 'QGlobalAveragePool', data: [0], output: 3 });
  },
};

/** ONNX Runtime's operators of the same kind, which its quantisation tool writes. */
export const QLinearContribOperators = operatorFamily('com.microsoft', {
  QLinearAdd: binary('QAdd'),
  QLinearMul: binary('QMul'),
  QLinearSigmoid: unary('QSigmoid'),
  QLinearLeakyRelu: unary('QLeakyRelu'),
  QLinearGlobalAveragePool: globalAverage,
  QLinearReduceMean: unary('QReduceMean'),
  QGemm: form({ type: 'QGemm', data: [0, 3], bias: 6, output: 7 }),
});
