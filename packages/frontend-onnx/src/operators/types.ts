import { type DType, type ModelNode, unsupported } from '@regrain/core-ir';

/** ONNX's TensorProto.DataType by number. */
const TYPES: Readonly<Record<number, DType>> = {
  1: 'float32',
  2: 'uint8',
  3: 'int8',
  4: 'uint16',
  5: 'int16',
  6: 'int32',
  7: 'int64',
  9: 'bool',
  10: 'float16',
  11: 'float64',
  12: 'uint32',
  13: 'uint64',
};

export function dtypeOf(node: ModelNode, code: number): DType {
  const found = TYPES[code];
  if (!found) throw unsupported(`node ${node.name || '(unnamed)'} (${node.type}): data type ${code} is not handled`);
  return found;
}
