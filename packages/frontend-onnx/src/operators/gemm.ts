import { elements, type Lowered, type ModelNode, type Operand, type Scalar } from '@regrain/core-ir';
import { number } from './attributes.js';
import {
  accumulatorOf,
  at,
  broadcast,
  broadcastMap,
  dims,
  input,
  type Lowering,
  operatorFamily,
  parallel,
  pointInput,
  read,
  reduction,
  type Shaped,
  write,
  wrong,
} from './lowering.js';
import { add, mul, sub, x } from './scalar.js';

/** The shape and maps of `A B` with numpy's rules: batch dimensions broadcast, vectors gain and lose a dimension. */
export function matmulShape(node: ModelNode, a: readonly number[], b: readonly number[]) {
  if (a.length === 0 || b.length === 0) throw wrong(node, 'a scalar has no matrix product');
  const k = a[a.length - 1];
  if (k !== (b.length === 1 ? b[0] : b[b.length - 2])) throw wrong(node, `[${a}] and [${b}] have no matrix product`);
  const batch = broadcast(node, [a.slice(0, -2), b.slice(0, -2)]);
  const rows = a.length === 1 ? [] : [a[a.length - 2]];
  const columns = b.length === 1 ? [] : [b[b.length - 1]];
  const out = [...batch, ...rows, ...columns];
  const inner = { d: out.length };
  return {
    out,
    k,
    a: [...broadcastMap(a.slice(0, -2), batch), ...rows.map(() => at({ d: batch.length })), at(inner)],
    b: [...broadcastMap(b.slice(0, -2), batch), at(inner), ...columns.map(() => at({ d: out.length - 1 }))],
    /** The result's dimensions of A's rows and B's columns. */
    row: rows.length ? batch.length : undefined,
    column: columns.length ? out.length - 1 : undefined,
  };
}

function matmul(node: ModelNode, out: Shaped['dtype'], more: readonly Operand[], product: Scalar): Lowered {
  const shape = matmulShape(node, input(node, 0).shape, input(node, 1).shape);
  const acc = accumulatorOf(out);
  return {
    outputs: [{ shape: shape.out, dtype: out }],
    operations: [
      {
        name: node.name,
        type: node.type,
        attributes: {},
        domain: [...parallel(shape.out), ...reduction([shape.k])],
        operands: [read(0, shape.a), read(1, shape.b), ...more, write(node.inputs.length, dims(0, shape.out.length))],
        body: { acc, init: 0, step: add('acc', product), finish: 'acc' },
        macs: elements(shape.out) * shape.k,
      },
    ],
  };
}

/** The shape and maps of Gemm's A and B over the domain `[M, N | K]`. */
export function gemmShape(node: ModelNode, a: readonly number[], b: readonly number[]) {
  if (a.length !== 2 || b.length !== 2) throw wrong(node, `needs two matrices, not [${a}] and [${b}]`);
  const [m, k] = number(node, 'transA', 0) ? [a[1], a[0]] : a;
  const [k2, n] = number(node, 'transB', 0) ? [b[1], b[0]] : b;
  if (k !== k2) throw wrong(node, `[${a}] and [${b}] do not fit together`);
  const rows = [at({ d: 0 }), at({ d: 2 })];
  const columns = [at({ d: 2 }), at({ d: 1 })];
  return {
    out: [m, n],
    k,
    a: number(node, 'transA', 0) ? rows.reverse() : rows,
    b: number(node, 'transB', 0) ? columns.reverse() : columns,
  };
}

/** Gemm: `alpha A' B' + beta C`. */
const gemm: Lowering = {
  lower(node) {
    const [a, b, c] = [input(node, 0), input(node, 1), node.inputs[2]];
    const shape = gemmShape(node, a.shape, b.shape);
    const operands = [read(0, shape.a), read(1, shape.b)];
    const [alpha, beta] = [number(node, 'alpha', 1), number(node, 'beta', 1)];
    let finish = mul('acc', alpha);
    if (c && beta !== 0) {
      if (broadcast(node, [c.shape, shape.out]).join() !== shape.out.join())
        throw wrong(node, `C [${c.shape}] does not broadcast to [${shape.out}]`);
      operands.push(read(2, broadcastMap(c.shape, shape.out)));
      finish = add(finish, mul(x(2), beta));
    }
    return {
      outputs: [{ shape: shape.out, dtype: a.dtype }],
      operations: [
        {
          name: node.name,
          type: node.type,
          attributes: {},
          domain: [...parallel(shape.out), ...reduction([shape.k])],
          operands: [...operands, write(node.inputs.length, dims(0, 2))],
          body: { acc: accumulatorOf(a.dtype), init: 0, step: add('acc', mul(x(0), x(1))), finish },
          macs: elements(shape.out) * shape.k,
        },
      ],
    };
  },
};

/** MatMulInteger (opset 10): 8-bit factors with zero points (of A's rows, of B's columns), 32-bit result. */
const matmulInteger: Lowering = {
  lower(node) {
    const shape = matmulShape(node, input(node, 0).shape, input(node, 1).shape);
    const more: Operand[] = [];
    const factor = (index: number, zero: number, d: number | undefined): Scalar => {
      if (!node.inputs[zero]) return x(index);
      const point = pointInput(node, zero);
      if (point.shape.length > 1) throw wrong(node, `a zero point of rank ${point.shape.length} is not handled`);
      more.push(
        read(
          zero,
          point.shape.map((extent) => at(extent === 1 || d === undefined ? 0 : { d })),
        ),
      );
      return sub(x(index), x(1 + more.length));
    };
    const a = factor(0, 2, shape.row);
    const b = factor(1, 3, shape.column);
    return matmul(node, 'int32', more, mul(a, b));
  },
};

export const GemmOperators = operatorFamily('', {
  Gemm: gemm,
  MatMul: { lower: (node) => matmul(node, input(node, 0).dtype, [], mul(x(0), x(1))) },
  MatMulInteger: matmulInteger,
});
