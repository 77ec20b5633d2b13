import { domainBox, image, type ModelNode, RegrainError } from '@regrain/core-ir';
import { describe, expect, it } from 'vitest';
import { agrees, type Case, randomValues } from '../../test/agreement.js';
import { ConvOperators } from './conv.js';

const conv = (data: number[], weights: number[], attributes: Record<string, unknown> = {}, bias = false): Case => ({
  type: 'Conv',
  attributes,
  inputs: [randomValues(data), randomValues(weights), ...(bias ? [randomValues([weights[0]])] : [])],
});
const transposed = (data: number[], weights: number[], attributes: Record<string, unknown> = {}, bias = false): Case => ({
  type: 'ConvTranspose',
  attributes,
  inputs: [randomValues(data), randomValues(weights), ...(bias ? [randomValues([weights[1] * ((attributes.group as number) ?? 1)])] : [])],
});

const cases: readonly Case[] = [
  conv([1, 3, 8, 9], [4, 3, 3, 3]),
  conv([2, 3, 8, 9], [4, 3, 3, 2], { pads: [1, 0, 2, 1], strides: [2, 3] }, true),
  conv([1, 4, 7, 7], [6, 2, 3, 3], { group: 2, pads: [1, 1, 1, 1] }, true),
  conv([1, 4, 7, 7], [4, 1, 3, 3], { group: 4, pads: [1, 1, 1, 1], strides: [2, 2] }),
  conv([1, 4, 7, 7], [8, 1, 3, 3], { group: 4 }),
  conv([1, 2, 9, 9], [3, 2, 3, 3], { dilations: [2, 3], pads: [2, 3, 2, 3] }),
  conv([1, 2, 9, 8], [3, 2, 2, 2], { auto_pad: 'SAME_UPPER', strides: [2, 2] }),
  conv([1, 2, 9, 8], [3, 2, 2, 2], { auto_pad: 'SAME_LOWER' }),
  conv([1, 2, 9, 8], [3, 2, 2, 2], { auto_pad: 'VALID' }),
  conv([1, 2, 12], [3, 2, 3], { pads: [1, 1] }, true),
  conv([1, 2, 5, 6, 4], [3, 2, 2, 3, 2], { pads: [1, 1, 0, 0, 1, 1] }, true),
  transposed([1, 2, 4, 5], [2, 3, 3, 3]),
  transposed([1, 2, 4, 5], [2, 3, 3, 3], { strides: [2, 2], pads: [0, 0, 1, 1] }, true),
  transposed([1, 2, 4, 5], [2, 3, 2, 2], { strides: [2, 2] }, true),
  transposed([1, 2, 4, 5], [2, 3, 3, 4], { strides: [3, 2], pads: [1, 0, 0, 1], output_padding: [1, 1] }),
  transposed([1, 4, 4, 4], [4, 3, 3, 3], { group: 2, strides: [2, 2] }, true),
  transposed([1, 4, 4, 4], [4, 1, 4, 4], { group: 4, strides: [2, 2], pads: [1, 1, 1, 1] }),
  transposed([1, 2, 5, 5], [2, 2, 3, 3], { dilations: [2, 2] }),
  transposed([1, 2, 5, 5], [2, 2, 3, 3], { auto_pad: 'SAME_UPPER', strides: [2, 2] }),
  transposed([1, 2, 6], [2, 2, 3], { strides: [2] }),
  {
    type: 'ConvInteger',
    inputs: [randomValues([1, 2, 5, 5], 'uint8', 0, 255), randomValues([3, 2, 3, 3], 'uint8', 0, 255)],
    attributes: { pads: [1, 1, 1, 1] },
  },
];

describe('convolutions', () => {
  it.each(cases)('$type $attributes agrees with ONNX Runtime', (one) => agrees(one));

  const node = (inputs: number[][], attributes: Record<string, unknown> = {}, type = 'Conv'): ModelNode => ({
    name: 'stem',
    type,
    domain: '',
    opset: 13,
    attributes,
    inputs: inputs.map((shape) => ({ shape, dtype: 'float32' })),
    constants: [],
    outputs: 1,
  });

  it('reads only the channels and rows that a band of a depthwise layer needs', () => {
    const [operation] = new ConvOperators().lower(
      node(
        [
          [1, 16, 20, 20],
          [16, 1, 3, 3],
        ],
        { group: 16, pads: [1, 1, 1, 1] },
      ),
    ).operations;
    const box = domainBox(operation).map((range, d) => (d === 1 ? ([4, 6] as const) : d === 2 ? ([5, 8] as const) : range));
    expect(image(operation.operands[0].map, box, [1, 16, 20, 20])).toEqual([
      [0, 1],
      [4, 6],
      [4, 9],
      [-1, 21],
    ]);
    expect(operation.macs).toBe(16 * 20 * 20 * 9);
  });

  it('reads only the rows that a band of a transposed layer needs, and counts no useless products', () => {
    const [operation] = new ConvOperators().lower(
      node(
        [
          [1, 2, 10, 10],
          [2, 3, 2, 2],
        ],
        { strides: [2, 2] },
        'ConvTranspose',
      ),
    ).operations;
    const box = domainBox(operation).map((range, d) => (d === 2 ? ([6, 8] as const) : range));
    expect(image(operation.operands[0].map, box, [1, 2, 10, 10])[2]).toEqual([3, 4]);
    expect(operation.macs).toBe(3 * 2 * 20 * 20);
  });

  it('names the node of shapes that do not fit', () => {
    const lower = () =>
      new ConvOperators().lower(
        node([
          [1, 3, 8, 8],
          [4, 2, 3, 3],
        ]),
      );
    expect(lower).toThrow(RegrainError);
    expect(lower).toThrow(/stem \(Conv\).*3 input/);
  });
});
