import { describe, it } from 'vitest';
import { agrees, type Case, ints, randomValues } from '../../test/agreement.js';

const TYPES = ['Sum', 'Mean', 'Max', 'Min', 'Prod', 'L1', 'L2', 'SumSquare', 'LogSum', 'LogSumExp'].map((name) => `Reduce${name}`);
const data = randomValues([2, 3, 4], 'float32', 0.1, 2);

const cases: readonly Case[] = TYPES.flatMap((type): Case[] => [
  { type, inputs: [data, ints(1)], constants: [1] },
  { type, inputs: [data, ints(-1, 0)], constants: [1], attributes: { keepdims: 0 } },
  { type, inputs: [data] },
  { type, inputs: [data], attributes: { axes: [2], keepdims: 0 }, opset: type === 'ReduceSum' ? 11 : 13 },
]);

describe('reductions', () => {
  it.each(cases)('$type $attributes agrees with ONNX Runtime', (one) => agrees(one));
  it('ReduceMax of integers', () => agrees({ type: 'ReduceMax', inputs: [randomValues([3, 5], 'int32', -9, 9), ints(1)], constants: [1] }));
});
