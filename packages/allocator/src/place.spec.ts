import type { Packing } from '@regrain/core-ir';
import { describe, expect, it } from 'vitest';
import { startOf } from './place.js';

const buffers = [
  { bytes: 8, align: 1, first: 0, last: 4 },
  { bytes: 3, align: 1, first: 2, last: 6 },
];

describe('a placement to begin with', () => {
  it('is as high as its highest buffer ends, and is not there where the packing names none', () => {
    const packing: Packing = { capacity: Number.POSITIVE_INFINITY, buffers, near: [] };
    expect(startOf(packing)).toBeUndefined();
    expect(startOf({ ...packing, start: Float64Array.of(3, 0) })).toEqual({ offsets: Float64Array.of(3, 0), height: 11 });
  });
});
