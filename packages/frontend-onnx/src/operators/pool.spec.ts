import { domainBox, image } from '@regrain/core-ir';
import { describe, expect, it } from 'vitest';
import { agrees, type Case, randomValues } from '../../test/agreement.js';
import { PoolOperators } from './pool.js';

const pool = (type: string, attributes: Record<string, unknown>, shape = [1, 2, 9, 8], outputs = 1): Case => ({
  type,
  attributes,
  inputs: [randomValues(shape)],
  outputs,
});
const windows: readonly Record<string, unknown>[] = [
  { kernel_shape: [3, 3] },
  { kernel_shape: [3, 2], strides: [2, 2], pads: [1, 0, 1, 1] },
  { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 },
  { kernel_shape: [3, 3], strides: [2, 2], auto_pad: 'SAME_UPPER' },
  { kernel_shape: [3, 3], strides: [2, 2], auto_pad: 'SAME_LOWER' },
];

const cases: readonly Case[] = [
  ...windows.flatMap((window) => [pool('MaxPool', window), pool('AveragePool', window)]),
  pool('AveragePool', { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 }),
  pool('AveragePool', { kernel_shape: [3], strides: [2], pads: [1, 1] }, [2, 3, 10]),
  pool('MaxPool', { kernel_shape: [2, 2], dilations: [2, 3] }),
  pool('MaxPool', { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }, [2, 2, 9, 8], 2),
  pool('MaxPool', { kernel_shape: [2, 2, 2], strides: [2, 1, 2] }, [1, 2, 4, 5, 6]),
  pool('LpPool', { kernel_shape: [2, 3], p: 2 }),
  pool('GlobalAveragePool', {}),
  pool('GlobalMaxPool', {}),
  pool('GlobalLpPool', { p: 2 }),
];

describe('pooling', () => {
  it.each(cases)('$type $attributes agrees with ONNX Runtime', (one) => agrees(one));

  it('reads only the rows under a band of windows', () => {
    const [operation] = new PoolOperators().lower({
      name: 'pool',
      type: 'MaxPool',
      domain: '',
      opset: 12,
      attributes: { kernel_shape: [2, 2], strides: [2, 2] },
      inputs: [{ shape: [1, 4, 16, 16], dtype: 'int8' }],
      constants: [],
      outputs: 1,
    }).operations;
    const box = domainBox(operation).map((range, d) => (d === 2 ? ([2, 4] as const) : range));
    expect(image(operation.operands[0].map, box, [1, 4, 16, 16])[2]).toEqual([4, 8]);
  });

  it('is a plain reduction where the window has one place, so that it can be summed in parts', () => {
    const [operation] = new PoolOperators().lower({
      name: 'pool',
      type: 'AveragePool',
      domain: '',
      opset: 12,
      attributes: { kernel_shape: [16, 5], strides: [16, 5] },
      inputs: [{ shape: [1, 4, 16, 5], dtype: 'float32' }],
      constants: [],
      outputs: 1,
    }).operations;
    expect(operation.operands[0].map.slice(2)).toEqual([{ at: { d: 4 } }, { at: { d: 5 } }]);
  });
});
