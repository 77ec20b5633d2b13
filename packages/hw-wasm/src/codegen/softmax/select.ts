import type { DType } from '@regrain/core-ir';
import { type KernelShape, keyOf, type Selected } from '../kernel.js';
import { floatRows, writeFloatSoftmax } from './floats.js';
import { type Quantized, writeQuantizedSoftmax } from './quantized.js';
import { rowsOf } from './rows.js';

/** Softmax over one axis, which its operator set would otherwise compute outside the module. */
export function selectSoftmax(shape: KernelShape): Selected | undefined {
  const { type } = shape.operation;
  if (type !== 'Softmax' && type !== 'QSoftmax') return undefined;
  const rows = rowsOf(shape);
  if (!rows) return undefined;
  const [x, y] = [rows.read, rows.write].map((k) => dtypeOf(shape, k));
  if (type === 'Softmax') {
    if (x !== 'float32' || y !== 'float32') return undefined;
    const floats = floatRows(shape, rows);
    return {
      kind: 'lanes',
      key: `softmax ${keyOf(shape)}`,
      write: (fn, imports) => writeFloatSoftmax(shape, floats, fn, imports),
      extra: [],
    };
  }
  const quantized = x && y && quantizedOf(shape, x, y);
  if (!quantized) return undefined;
  return {
    kind: 'generic',
    key: `softmax ${JSON.stringify(quantized)} ${keyOf(shape)}`,
    write: (fn, imports) => writeQuantizedSoftmax(shape, rows, quantized, fn, imports),
    extra: [],
  };
}

function dtypeOf({ operands }: KernelShape, k: number): DType | undefined {
  const operand = operands[k];
  return operand?.kind === 'view' ? operand.view.dtype : undefined;
}

/** What 8-bit integers can hold. */
const RANGES: Readonly<Partial<Record<DType, readonly [number, number]>>> = { int8: [-128, 127], uint8: [0, 255] };

/** The attributes that the operator set of quantised operators gives. */
function quantizedOf({ operation: { attributes } }: KernelShape, from: DType, to: DType): Quantized | undefined {
  const { scale, outputScale, outputZero } = attributes as Readonly<Record<string, unknown>>;
  const range = RANGES[to];
  if (!range || !RANGES[from] || typeof scale !== 'number' || typeof outputScale !== 'number' || typeof outputZero !== 'number')
    return undefined;
  return { scale, outputScale, outputZero, from, to, range };
}
