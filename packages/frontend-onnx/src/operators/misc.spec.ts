import { describe, expect, it } from 'vitest';
import { agrees, type Case, ints, randomValues, values } from '../../test/agreement.js';

const scalar = (value: number, dtype: 'float32' | 'int64' = 'int64') => values([], [value], dtype);
const data = randomValues([3, 4, 5]);

const cases: readonly Case[] = [
  { type: 'ArgMax', inputs: [data], attributes: { axis: 1 } },
  { type: 'ArgMin', inputs: [randomValues([4, 6], 'int32', 0, 3)], attributes: { axis: -1, keepdims: 0, select_last_index: 1 } },
  { type: 'TopK', inputs: [data, ints(2)], constants: [1], outputs: 2, attributes: { axis: 1 } },
  { type: 'TopK', inputs: [data, ints(3)], constants: [1], outputs: 2, attributes: { axis: -1, largest: 0 } },
  { type: 'CumSum', inputs: [data, scalar(1)], constants: [1], attributes: { exclusive: 1, reverse: 1 } },
  { type: 'Trilu', inputs: [data, scalar(1)], constants: [1], attributes: { upper: 0 } },
  { type: 'OneHot', inputs: [ints(0, 2, -1), ints(4), values([2], [-1, 3])], constants: [1, 2], attributes: { axis: 0 } },
  { type: 'Tile', inputs: [data, ints(2, 1, 3)], constants: [1] },
  { type: 'Einsum', inputs: [data, randomValues([2, 4, 5])], attributes: { equation: 'aij,bij->ab' } },
  { type: 'Einsum', inputs: [randomValues([4, 4])], attributes: { equation: 'ii->i' } },
  { type: 'Einsum', inputs: [randomValues([2, 3]), randomValues([3, 4])], attributes: { equation: 'ij,jk' } },
  ...['constant', 'edge', 'reflect', 'wrap'].map(
    (mode): Case => ({ type: 'Pad', inputs: [data, ints(1, 0, 2, 1, 1, 3)], constants: [1], attributes: { mode }, opset: 19 }),
  ),
  { type: 'Pad', inputs: [data, ints(1, 0, -2, 1, 1, 3), scalar(7, 'float32')], constants: [1, 2] },
  { type: 'Shape', inputs: [data], attributes: { start: 1 } },
  { type: 'Size', inputs: [data] },
  { type: 'Range', inputs: [scalar(3), scalar(-4), scalar(-2)], constants: [0, 1, 2] },
  { type: 'ConstantOfShape', inputs: [ints(2, 3)], constants: [0], attributes: { value: values([1], [5], 'int64') } },
  { type: 'Constant', inputs: [], attributes: { value: randomValues([2, 3]) } },
  ...(['forward', 'reverse', 'bidirectional'] as const).flatMap((direction): Case[] => recurrent(direction)),
];

function recurrent(direction: string): Case[] {
  const directions = direction === 'bidirectional' ? 2 : 1;
  const weights = (gates: number, columns: number, seed: number) => randomValues([directions, gates * 4, columns], 'float32', -1, 1, seed);
  const cell = (type: string, gates: number, more: Case['inputs'] = [], attributes = {}): Case => ({
    type,
    outputs: type === 'LSTM' ? 3 : 2,
    attributes: { hidden_size: 4, direction, ...attributes },
    inputs: [
      randomValues([3, 2, 5]),
      weights(gates, 5, 2),
      weights(gates, 4, 3),
      randomValues([directions, 8 * gates], 'float32', -1, 1, 4),
      ...more,
    ],
  });
  const state = (seed: number) => randomValues([directions, 2, 4], 'float32', -1, 1, seed);
  return [
    cell('RNN', 1),
    cell('GRU', 3),
    cell('GRU', 3, [undefined, state(5)], { linear_before_reset: 1 }),
    cell('LSTM', 4),
    cell('LSTM', 4, [undefined, state(5), state(6)]),
    cell('LSTM', 4, [undefined, state(5), state(6), randomValues([directions, 12], 'float32', -1, 1, 7)], { clip: 0.4, input_forget: 1 }),
    cell('LSTM', 4, [values([2], [3, 2], 'int32'), state(5), state(6), randomValues([directions, 12], 'float32', -1, 1, 7)]),
  ];
}

describe('the other operators', () => {
  it.each(cases)('$type $attributes agrees with ONNX Runtime', (one) => agrees(one));
});

describe('fit', async () => {
  const { fit } = await import('./fit.js');
  const { evaluate } = await import('@regrain/core-ir');
  it('finds an expression for clamped and stretched index tables, and none for irregular ones', () => {
    const tables = [
      [0, 0, 1, 1, 2],
      [0, 0, 0, 1, 2, 3, 3],
      [5, 3, 1],
      [0, 1, 1, 2, 3, 3],
      [4, 4, 4],
      [0, 0, 1, 2, 2, 3, 4, 4],
    ];
    for (const table of tables) {
      const expr = fit(table, 0);
      expect(expr && table.map((_, i) => evaluate(expr, [i]))).toEqual(table);
    }
    expect(fit([0, 2, 1, 5], 0)).toBeUndefined();
  });
});
