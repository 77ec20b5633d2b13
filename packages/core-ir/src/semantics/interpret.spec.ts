import { describe, expect, it } from 'vitest';
import type { Values } from '../extension-points/operator-set.js';
import type { Operation } from '../ir/program.js';
import { interpretOperation, runBody } from './interpret.js';
import { SCALAR_FUNCTIONS } from './scalar-functions.js';

/** y[i] = sum over k of x[2 i + k - 1] * w[k], plus i's bias, at least 0; reads outside are 5. */
const conv: Operation = {
  name: 'conv',
  type: 'Conv',
  attributes: {},
  domain: [
    { extent: 4, kind: 'parallel' },
    { extent: 3, kind: 'reduction' },
  ],
  operands: [
    { tensor: 0, mode: 'read', map: [{ at: ['+', ['+', ['*', { d: 0 }, 2], { d: 1 }], -1] }], outside: 5 },
    { tensor: 1, mode: 'read', map: [{ at: { d: 1 } }] },
    { tensor: 2, mode: 'read', map: [{ at: { d: 0 } }] },
    { tensor: 3, mode: 'write', map: [{ at: { d: 0 } }] },
  ],
  body: {
    acc: 'float32',
    init: 0,
    step: { fn: 'add', args: ['acc', { fn: 'mul', args: [{ x: 0 }, { x: 1 }] }] },
    finish: { fn: 'max', args: [{ fn: 'add', args: ['acc', { x: 2 }] }, 0] },
  },
  macs: 12,
};
const f32 = (...data: number[]): Values => ({ dtype: 'float32', shape: [data.length], data: Float32Array.from(data) });
const output = [{ dtype: 'float32' as const, shape: [4] }];

describe('interpretOperation', () => {
  const inputs = [f32(1, 2, 3, 4, 5, 6, 7), f32(1, 10, 100), f32(0, -1e6, 0, 0.5), undefined];

  it('runs a strided window with padding, bias and clamp', () => {
    const [y] = interpretOperation(conv, inputs, output);
    expect(Array.from(y.data)).toEqual([5 + 10 + 200, 0, 4 + 50 + 600, 6 + 70 + 500 + 0.5]);
  });

  it('reads a splat as if it were written out', () => {
    const [y] = interpretOperation(conv, [inputs[0], { dtype: 'float32', shape: [3], data: [], splat: 2 }, inputs[2], undefined], output);
    expect(Array.from(y.data)).toEqual([(5 + 1 + 2) * 2, 0, (4 + 5 + 6) * 2, (6 + 7 + 5) * 2 + 0.5]);
  });

  it('gives the same by init, partial sums and finish as at once', () => {
    const out = { shape: [4], data: new Float32Array(4) };
    const acc = new Float64Array(4);
    runBody(
      conv,
      inputs,
      out,
      [
        [0, 4],
        [0, 0],
      ],
      'init',
      acc,
    );
    runBody(
      conv,
      inputs,
      out,
      [
        [0, 4],
        [0, 2],
      ],
      'step',
      acc,
    );
    runBody(
      conv,
      inputs,
      out,
      [
        [0, 4],
        [2, 3],
      ],
      'step',
      acc,
    );
    runBody(
      conv,
      inputs,
      out,
      [
        [0, 4],
        [0, 0],
      ],
      'finish',
      acc,
    );
    expect(Array.from(out.data)).toEqual(Array.from(interpretOperation(conv, inputs, output)[0].data));
  });

  it('names an opaque operation that nobody evaluates', () => {
    expect(() => interpretOperation({ ...conv, body: undefined }, inputs, output)).toThrow(/conv \(Conv\) is opaque/);
  });

  it('names an unknown function', () => {
    expect(() =>
      interpretOperation({ ...conv, body: { acc: 'float32', init: 0, step: 0, finish: { fn: 'frob', args: [] } } }, inputs, output),
    ).toThrow(/no scalar function frob/);
  });
});

describe('scalar functions', () => {
  it('round ties to even', () => {
    expect([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.4999].map((v) => SCALAR_FUNCTIONS.roundEven(v) + 0)).toEqual([-2, -2, 0, 0, 2, 2, 2]);
  });

  it.each([
    [0, 0],
    [0.1, 0.1124629160182849],
    [1, 0.8427007929497149],
    [2.5, 0.999593047982555],
    [3.5, 0.9999992569016276],
    [-1, -0.8427007929497149],
    [7, 1],
  ])('erf(%d)', (x, y) => {
    expect(SCALAR_FUNCTIONS.erf(x)).toBeCloseTo(y, 13);
  });
});
