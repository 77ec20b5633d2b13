import { RAW, WAR, WAW } from '@regrain/core-ir';
import { describe, expect, it } from 'vitest';
import { tinyPlan } from '../spec-support.js';
import { edgeRows } from './edges.js';

const { decomposition } = tinyPlan([]);

describe('edgeRows', () => {
  it('is one row per pair and kind, with the elements of that kind', () => {
    const dependences = {
      row: Int32Array.of(0, 0, 0, 2),
      from: Int32Array.of(0, 1),
      kinds: Uint8Array.of(RAW | WAW, WAR),
      elements: Float64Array.of(4, 0, 2, 0, 3, 0),
    };
    expect([...edgeRows(decomposition, dependences, (task) => task)]).toEqual([
      [0, 2, 'raw', 4],
      [0, 2, 'waw', 2],
      [1, 2, 'war', 3],
    ]);
  });
});
