import { type Contribution, noOptions, OperatorSet } from '@regrain/core-ir';
import { ConvOperators } from './conv.js';
import { ElementwiseOperators } from './elementwise.js';
import { GatherOperators } from './gather.js';
import { GemmOperators } from './gemm.js';
import { MiscOperators } from './misc.js';
import { NormalizeOperators } from './normalize.js';
import { PoolOperators } from './pool.js';
import { QLinearContribOperators, QLinearOperators } from './qlinear.js';
import { QuantizeOperators } from './quantize.js';
import { QuantizedOperators } from './quantized.js';
import { RecurrentOperators } from './recurrent.js';
import { ReduceOperators } from './reduce.js';
import { ResizeOperators } from './resize.js';
import { ShapeOperators } from './shape.js';
import { SoftmaxOperators } from './softmax.js';

const set = (id: string, description: string, use: typeof ConvOperators): Contribution => ({
  point: OperatorSet,
  id,
  description,
  use,
  options: noOptions,
});

/** The operator sets of this package, one per family. */
export const operatorContributions: readonly Contribution[] = [
  set('onnx-conv', 'Convolutions: Conv, ConvInteger, ConvTranspose', ConvOperators),
  set('onnx-gemm', 'Matrix products: Gemm, MatMul, MatMulInteger', GemmOperators),
  set('onnx-pool', 'Pooling: maximum, average and norm, over windows or whole planes', PoolOperators),
  set('onnx-elementwise', 'Unary, binary and variadic operators with broadcasting', ElementwiseOperators),
  set('onnx-reduce', 'Reductions over axes', ReduceOperators),
  set('onnx-normalize', 'Batch, instance, group, layer and local response normalisation', NormalizeOperators),
  set('onnx-softmax', 'Softmax, LogSoftmax, Hardmax', SoftmaxOperators),
  set('onnx-resize', 'Resize and Upsample', ResizeOperators),
  set('onnx-gather', 'Gather and Scatter in their forms', GatherOperators),
  set('onnx-quantize', 'QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear', QuantizeOperators),
  set('onnx-shape', 'Operators whose results are known at load time: Shape, Constant, Range', ShapeOperators),
  set('onnx-recurrent', 'RNN, GRU, LSTM', RecurrentOperators),
  set('onnx-misc', 'ArgMax, TopK, CumSum, Trilu, OneHot, Tile, Einsum, Pad', MiscOperators),
  set('onnx-qlinear', 'QLinearConv, QLinearMatMul', QLinearOperators),
  set('onnx-qlinear-contrib', 'QLinear operators of the domain com.microsoft', QLinearContribOperators),
  set('quantized', 'Integer forms of operators between DequantizeLinear and QuantizeLinear', QuantizedOperators),
];

/** Instances of all of them, for use without a container. */
export function operatorSets(): OperatorSet[] {
  return operatorContributions.map(({ use }) => new use() as OperatorSet);
}
