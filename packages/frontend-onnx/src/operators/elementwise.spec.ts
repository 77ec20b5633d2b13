import { describe, expect, it } from 'vitest';
import { agrees, type Case, randomValues, values } from '../../test/agreement.js';
import { ElementwiseOperators } from './elementwise.js';

const one = (type: string, attributes: Record<string, unknown> = {}, low = -3, high = 3): Case => ({
  type,
  attributes,
  inputs: [randomValues([2, 3, 5], 'float32', low, high)],
  opset: 20,
});
const two = (type: string, dtype: 'float32' | 'int32' = 'float32', low = -5, high = 5): Case => ({
  type,
  inputs: [randomValues([2, 1, 5], dtype, low, high, 1), randomValues([3, 1], dtype, 1, 6, 2)],
});
const logic = (type: string): Case => ({ type, inputs: [randomValues([2, 5], 'bool', 0, 2, 1), randomValues([5], 'bool', 0, 2, 7)] });

const cases: readonly Case[] = [
  ...'Relu Sigmoid HardSwish Tanh Selu Softplus Softsign Mish Erf Exp Reciprocal Abs Neg Floor Ceil Round Sign Sin Cos Tan Atan Sinh Cosh Asinh IsNaN'
    .split(' ')
    .map((type) => one(type)),
  ...['Log', 'Sqrt'].map((type) => one(type, {}, 0.1, 4)),
  ...['Asin', 'Acos', 'Atanh'].map((type) => one(type, {}, -0.9, 0.9)),
  one('Acosh', {}, 1.1, 4),
  one('LeakyRelu', { alpha: 0.2 }),
  one('HardSigmoid', { alpha: 0.25, beta: 0.4 }),
  one('Elu', { alpha: 0.7 }),
  one('Celu', { alpha: 0.7 }),
  one('Gelu'),
  one('Gelu', { approximate: 'tanh' }),
  one('ThresholdedRelu', { alpha: 0.5 }),
  one('Shrink', { bias: 0.5, lambd: 1.5 }),
  one('Cast', { to: 6 }),
  one('Cast', { to: 9 }),
  ...['Add', 'Sub', 'Mul', 'Div', 'Min', 'Max', 'Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual'].flatMap((type) => [
    two(type),
    two(type, 'int32'),
  ]),
  two('Pow', 'float32', 1, 3),
  two('Mod', 'int32'),
  { ...two('Mod'), attributes: { fmod: 1 } },
  ...['And', 'Or', 'Xor'].map(logic),
  { type: 'Not', inputs: [randomValues([4], 'bool', 0, 2)] },
  { type: 'Sum', inputs: [randomValues([2, 3]), randomValues([3]), randomValues([2, 1])] },
  { type: 'Mean', inputs: [randomValues([2, 3]), randomValues([3]), randomValues([2, 1])] },
  { type: 'Where', inputs: [randomValues([2, 3], 'bool', 0, 2), randomValues([3]), randomValues([2, 1])] },
  { type: 'PRelu', inputs: [randomValues([1, 3, 4]), randomValues([3, 1])] },
  { type: 'Clip', inputs: [randomValues([2, 9]), values([], [-0.5]), values([], [1])], constants: [1, 2] },
  { type: 'Clip', inputs: [randomValues([2, 9]), undefined, values([], [1])] },
  { type: 'Clip', attributes: { min: -0.5, max: { float: 1 } }, inputs: [randomValues([2, 9])], opset: 6 },
  { type: 'Add', inputs: [randomValues([2, 9]), values([1], [3])], constants: [1] },
];

describe('elementwise operators', () => {
  it.each(cases)('$type $attributes agrees with ONNX Runtime', (each) => agrees(each, 2e-5));

  const node = (type: string, shapes: number[][], constants: number[] = []) => ({
    name: 'n',
    type,
    domain: '',
    opset: 13,
    attributes: {},
    inputs: shapes.map((shape) => ({ shape, dtype: 'float32' as const })),
    constants: shapes.map((shape, i) => (constants.includes(i) ? values(shape, [3]) : undefined)),
    outputs: 1,
  });

  it('may write over the first input of the same shape, never over one that broadcasts or is constant', () => {
    const inPlace = (...given: Parameters<typeof node>) =>
      new ElementwiseOperators().lower(node(...given)).operations[0].operands.at(-1)?.inPlaceOf;
    expect(
      inPlace('Add', [
        [1, 4],
        [2, 4],
      ]),
    ).toBe(1);
    expect(inPlace('Relu', [[2, 4]])).toBe(0);
    expect(
      inPlace('Add', [
        [1, 4],
        [2, 1],
      ]),
    ).toBeUndefined();
    expect(inPlace('Relu', [[1]], [0])).toBeUndefined();
  });

  it('holds a constant of one element as a number', () => {
    const [operation] = new ElementwiseOperators().lower(node('Mul', [[2, 4], [1]], [1])).operations;
    expect(operation.operands).toHaveLength(2);
    expect(operation.body?.finish).toEqual({ fn: 'mul', args: [{ x: 0 }, 3] });
  });
});
