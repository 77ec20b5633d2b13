import type { KernelShape } from '../kernel.js';

/** One axis of what is read and of what is written, row after row. */
export interface Rows {
  readonly read: number;
  readonly write: number;
  readonly length: number;
  /** Bytes from one element to the next. */
  readonly from: number;
  readonly to: number;
}

/** The rows of a softmax; undefined where it goes over several axes or regions cut its rows. */
export function rowsOf({ operation, operands, shapes }: KernelShape): Rows | undefined {
  if (operation.operands.length !== 2 || operation.domain.some(({ kind }) => kind !== 'parallel')) return undefined;
  const [read, write] = [0, 1].sort((a) => (operation.operands[a].mode === 'read' ? -1 : 1));
  const sides = [read, write].map((k) => {
    const operand = operands[k];
    const { map } = operation.operands[k];
    const wide = map.flatMap((range, d) => (range === 'all' || (range.size ?? 1) > 1 ? [d] : []));
    if (operand?.kind !== 'view' || wide.length !== 1) return undefined;
    const [axis] = wide;
    const range = map[axis];
    const whole = range !== 'all' && range.at === 0 && range.size === shapes[k][axis];
    if (!whole || operand.view.table.some(({ dimension }) => dimension === axis)) return undefined;
    return { length: shapes[k][axis], stride: operand.view.strides[axis] };
  });
  const [x, y] = sides;
  if (!x || !y || x.length !== y.length) return undefined;
  return { read, write, length: x.length, from: x.stride, to: y.stride };
}
