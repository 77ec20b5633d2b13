import { describe, expect, it } from 'vitest';
import { agrees, type Case, ints, randomValues, values } from '../../test/agreement.js';
import { GatherOperators } from './gather.js';

const data = randomValues([3, 4, 5]);
const cases: readonly Case[] = [
  { type: 'Gather', inputs: [data, ints(2, 0, -1)], attributes: { axis: 1 } },
  { type: 'Gather', inputs: [data, ints(2, 0, -1)], attributes: { axis: 1 }, constants: [1] },
  { type: 'Gather', inputs: [data, ints(1, 2, 3)], attributes: { axis: 2 }, constants: [1] },
  { type: 'Gather', inputs: [data, values([], [1], 'int64')], attributes: { axis: 0 }, constants: [1] },
  { type: 'Gather', inputs: [data, values([2, 2], [0, 1, 2, 0], 'int64')], attributes: { axis: 0 } },
  {
    type: 'GatherElements',
    inputs: [
      data,
      values(
        [3, 1, 5],
        [...Array(15).keys()].map((i) => i % 4),
        'int64',
      ),
    ],
    attributes: { axis: 1 },
  },
  { type: 'GatherND', inputs: [data, values([2, 2], [0, 1, 2, 3], 'int64')] },
  { type: 'GatherND', inputs: [data, values([3, 1], [1, 0, 3], 'int64')], attributes: { batch_dims: 1 } },
  { type: 'ScatterND', inputs: [data, values([2, 1], [2, 0], 'int64'), randomValues([2, 4, 5], 'float32', 5, 6)] },
  {
    type: 'ScatterElements',
    inputs: [data, values([1, 1, 5], [1, 0, 3, 2, 1], 'int64'), randomValues([1, 1, 5])],
    attributes: { axis: 1 },
  },
];

describe('gather and scatter', () => {
  it.each(cases)('$type $attributes agrees with ONNX Runtime', (one) => agrees(one));

  it('is an index map where the indices are known and regular', () => {
    const lower = (...indices: number[]) =>
      new GatherOperators().lower({
        name: 'g',
        type: 'Gather',
        domain: '',
        opset: 13,
        attributes: { axis: 1 },
        inputs: [data, ints(...indices)],
        constants: [undefined, ints(...indices)],
        outputs: 1,
      }).operations[0];
    expect(lower(1, 3).operands[0].map[1]).toEqual({ at: ['+', ['*', { d: 1 }, 2], 1] });
    expect(lower(1, 0, 3).operands[0].map[1]).toBe('all');
    expect(() => lower(7)).toThrow(/index 7 is outside axis 1/);
  });
});
