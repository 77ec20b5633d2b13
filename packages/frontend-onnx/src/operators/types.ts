import { type DType, type ModelNode, unsupported } from '@regrain/core-ir';
import { DTYPE_OF } from '../schema.js';

export function dtypeOf(node: ModelNode, code: number): DType {
  const found = DTYPE_OF[code];
  if (!found) throw unsupported(`node ${node.name || '(unnamed)'} (${node.type}): data type ${code} is not handled`);
  return found;
}
