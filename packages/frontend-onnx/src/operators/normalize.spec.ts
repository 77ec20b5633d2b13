import { describe, it } from 'vitest';
import { agrees, type Case, randomValues } from '../../test/agreement.js';

const positive = (extent: number) => randomValues([extent], 'float32', 0.2, 2, 9);
const batch: Case = {
  type: 'BatchNormalization',
  inputs: [
    randomValues([2, 3, 4, 5]),
    randomValues([3]),
    randomValues([3], 'float32', -1, 1, 5),
    randomValues([3], 'float32', -1, 1, 6),
    positive(3),
  ],
  opset: 15,
};

const cases: readonly Case[] = [
  batch,
  { ...batch, constants: [1, 2, 3, 4], attributes: { epsilon: 0.01 } },
  { type: 'InstanceNormalization', inputs: [randomValues([2, 3, 4, 5]), randomValues([3]), randomValues([3], 'float32', -1, 1, 5)] },
  { type: 'LayerNormalization', inputs: [randomValues([2, 3, 8]), randomValues([8]), randomValues([8], 'float32', -1, 1, 5)] },
  { type: 'LayerNormalization', inputs: [randomValues([2, 3, 8]), randomValues([3, 8])], attributes: { axis: 1 } },
  { type: 'LRN', inputs: [randomValues([1, 7, 3, 3])], attributes: { size: 5, alpha: 0.01, beta: 0.6, bias: 1.5 } },
  { type: 'LRN', inputs: [randomValues([2, 7, 3, 2])], attributes: { size: 3 } },
  { type: 'LpNormalization', inputs: [randomValues([3, 4])], attributes: { axis: 0, p: 1 } },
  { type: 'MeanVarianceNormalization', inputs: [randomValues([2, 3, 4, 5])], attributes: { axes: [0, 2, 3] } },
  ...[1, 2, 3].flatMap((axis): Case[] =>
    ['Softmax', 'LogSoftmax', 'Hardmax'].flatMap((type): Case[] =>
      [11, 13].map((opset): Case => ({ type, inputs: [randomValues([2, 3, 4, 5])], attributes: { axis }, opset })),
    ),
  ),
];

describe('normalisations and softmax', () => {
  it.each(cases)('$type $attributes $opset agrees with ONNX Runtime', (one) => agrees(one));
});
