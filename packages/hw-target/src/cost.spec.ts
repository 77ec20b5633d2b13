import { expect, it } from 'vitest';
import { descriptors } from './cost.js';

it.each([
  [
    'a whole tensor',
    [
      [0, 4],
      [0, 8],
      [0, 8],
    ],
    1,
    1,
  ],
  [
    'rows of one channel',
    [
      [0, 1],
      [2, 4],
      [0, 8],
    ],
    1,
    1,
  ],
  [
    'a band of rows in every channel',
    [
      [0, 4],
      [2, 4],
      [0, 8],
    ],
    1,
    4,
  ],
  [
    'columns',
    [
      [0, 4],
      [0, 8],
      [1, 3],
    ],
    1,
    32,
  ],
  [
    'columns with two strided dimensions',
    [
      [0, 4],
      [0, 8],
      [1, 3],
    ],
    2,
    4,
  ],
  [
    'columns with three',
    [
      [0, 4],
      [0, 8],
      [1, 3],
    ],
    3,
    1,
  ],
] as const)('%s', (_, box, dimensions, pieces) => {
  expect(descriptors(box, [4, 8, 8], dimensions)).toBe(pieces);
});
