import { describe, it } from 'vitest';
import { agrees, type Case, randomValues } from '../../test/agreement.js';

const gemm = (a: number[], b: number[], c?: number[], attributes: Record<string, unknown> = {}): Case => ({
  type: 'Gemm',
  attributes,
  inputs: [randomValues(a), randomValues(b), ...(c ? [randomValues(c)] : [])],
});
const matmul = (a: number[], b: number[]): Case => ({ type: 'MatMul', inputs: [randomValues(a), randomValues(b)] });
const bytes = (shape: number[], seed: number) => randomValues(shape, 'uint8', 0, 255, seed);

const cases: readonly Case[] = [
  gemm([3, 4], [4, 5]),
  gemm([4, 3], [5, 4], [5], { transA: 1, transB: 1, alpha: 0.5, beta: 0.25 }),
  gemm([3, 4], [4, 5], [3, 1]),
  gemm([3, 4], [4, 5], []),
  matmul([3, 4], [4, 5]),
  matmul([4], [4, 5]),
  matmul([3, 4], [4]),
  matmul([4], [4]),
  matmul([2, 1, 3, 4], [5, 4, 2]),
  matmul([5, 3, 4], [4]),
  { type: 'MatMulInteger', inputs: [bytes([3, 4], 1), bytes([4, 5], 2), bytes([], 3), bytes([], 4)] },
];

describe('matrix products', () => {
  it.each(cases)('$type $attributes agrees with ONNX Runtime', (one) => agrees(one));
});
