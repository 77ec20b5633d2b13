import { domainBox, image, type ModelNode, type Values } from '@regrain/core-ir';
import { describe, expect, it } from 'vitest';
import { agrees, type Case, ints, randomValues, values } from '../../test/agreement.js';
import { ResizeOperators } from './resize.js';

const scaled = (shape: number[], scales: number[], attributes: Record<string, unknown>): Case => ({
  type: 'Resize',
  inputs: [randomValues(shape), undefined, values([scales.length], scales)],
  constants: [2],
  attributes,
});
const sized = (shape: number[], sizes: number[], attributes: Record<string, unknown>): Case => ({
  type: 'Resize',
  inputs: [randomValues(shape), undefined, undefined, ints(...sizes)],
  constants: [3],
  attributes,
});

const COORDINATES = ['half_pixel', 'asymmetric', 'align_corners', 'pytorch_half_pixel'];
const NEAREST = ['floor', 'ceil', 'round_prefer_floor', 'round_prefer_ceil'];

const cases: readonly Case[] = [
  ...COORDINATES.flatMap((coordinate_transformation_mode) => [
    ...NEAREST.flatMap((nearest_mode) => [
      scaled([1, 2, 4, 5], [1, 1, 2, 3], { mode: 'nearest', coordinate_transformation_mode, nearest_mode }),
      sized([1, 2, 6, 7], [1, 2, 4, 10], { mode: 'nearest', coordinate_transformation_mode, nearest_mode }),
    ]),
    ...['linear', 'cubic'].flatMap((mode) => [
      scaled([1, 2, 4, 5], [1, 1, 2, 3], { mode, coordinate_transformation_mode }),
      sized([1, 2, 6, 7], [1, 2, 9, 4], { mode, coordinate_transformation_mode }),
    ]),
  ]),
  scaled([1, 1, 5, 5], [1, 1, 2, 2], { mode: 'cubic', cubic_coeff_a: -0.5, exclude_outside: 1 }),
  {
    type: 'Upsample',
    inputs: [randomValues([1, 2, 3, 3]), values([4], [1, 1, 2, 2])],
    constants: [1],
    opset: 9,
    attributes: { mode: 'nearest' },
  },
];

describe('resize', () => {
  it.each(cases)('$type $attributes agrees with ONNX Runtime', (one) => agrees(one, 1e-4));

  const lower = (mode: string, shape: number[], scale: number, coordinates: string) => {
    const scales: Values = values([4], [1, 1, scale, scale]);
    const node: ModelNode = {
      name: 'up',
      type: 'Resize',
      domain: '',
      opset: 13,
      attributes: { mode, coordinate_transformation_mode: coordinates },
      inputs: [{ shape, dtype: 'float32' }, undefined, { shape: [4], dtype: 'float32' }],
      constants: [undefined, undefined, scales],
      outputs: 1,
    };
    return new ResizeOperators().lower(node).operations[0];
  };

  it('is a plain index map for a whole nearest factor', () => {
    const operation = lower('nearest', [1, 8, 10, 10], 2, 'half_pixel');
    expect(operation.domain).toHaveLength(4);
    expect(operation.operands[0].map[2]).toEqual({ at: ['div', { d: 2 }, 2] });
  });

  it.each(['half_pixel', 'align_corners', 'asymmetric'])('reads a band of rows for a band of a linear resize (%s)', (coordinates) => {
    const operation = lower('linear', [1, 8, 40, 40], 2, coordinates);
    const box = domainBox(operation).map((range, d) => (d === 2 ? ([20, 24] as const) : range));
    const [low, high] = image(operation.operands[0].map, box, [1, 8, 40, 40])[2];
    expect(high - low).toBeLessThanOrEqual(7);
  });
});
