import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Values } from '../extension-points/operator-set.js';
import { evaluate } from '../ir/index-map.js';
import type { Operation, Scalar } from '../ir/program.js';
import { arrayFor, interpretOperation, runBody, SCALAR_FUNCTIONS } from './index.js';

interface Case {
  readonly operation: Operation;
  readonly inputs: (Values | undefined)[];
  readonly shape: readonly number[];
}

/** Windows with strides, dilations, padding, groups, transposition and clamped or divided indices, over small random shapes. */
const cases: fc.Arbitrary<Case> = fc
  .record({
    rows: fc.integer({ min: 1, max: 5 }),
    columns: fc.integer({ min: 1, max: 6 }),
    depth: fc.integer({ min: 1, max: 4 }),
    taps: fc.integer({ min: 1, max: 3 }),
    stride: fc.integer({ min: 1, max: 2 }),
    pad: fc.integer({ min: 0, max: 2 }),
    swap: fc.boolean(),
    splat: fc.boolean(),
    index: fc.constantFrom('plain', 'div', 'mod', 'min', 'max'),
    dtype: fc.constantFrom('float32', 'int32', 'int8', 'float16', 'float64'),
    seed: fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 400, maxLength: 400 }),
  })
  .map(({ rows, columns, depth, taps, stride, pad, swap, splat, index, dtype, seed }) => {
    const inRows = 4;
    const inColumns = 7;
    const channel =
      index === 'plain'
        ? ({ d: 2 } as const)
        : index === 'div'
          ? (['div', { d: 2 }, 2] as const)
          : index === 'mod'
            ? (['mod', { d: 2 }, 3] as const)
            : index === 'min'
              ? (['min', { d: 2 }, 1] as const)
              : (['max', ['+', { d: 2 }, -1], 0] as const);
    const values = (shape: number[], from: number): Values => {
      const data = arrayFor(
        dtype,
        shape.reduce((a, b) => a * b, 1),
      );
      for (let i = 0; i < data.length; i++) data[i] = seed[(from + i) % seed.length] * (dtype.startsWith('float') ? 0.37 : 1);
      return { dtype, shape, data };
    };
    const shape = swap ? [columns, rows] : [rows, columns];
    const operation: Operation = {
      name: 'window',
      type: 'Window',
      attributes: {},
      domain: [
        { extent: rows, kind: 'parallel' },
        { extent: columns, kind: 'parallel' },
        { extent: depth, kind: 'reduction' },
        { extent: taps, kind: 'reduction' },
      ],
      operands: [
        {
          tensor: 0,
          mode: 'read',
          outside: 3,
          map: [{ at: channel }, { at: ['+', { d: 0 }, -pad] }, { at: ['+', ['+', ['*', { d: 1 }, stride], ['*', { d: 3 }, 2]], -pad] }],
        },
        { tensor: 1, mode: 'read', map: [{ at: { d: 2 } }, { at: { d: 3 } }] },
        { tensor: 2, mode: 'read', map: [{ at: { d: 1 } }] },
        { tensor: 3, mode: 'write', map: swap ? [{ at: { d: 1 } }, { at: { d: 0 } }] : [{ at: { d: 0 } }, { at: { d: 1 } }] },
      ],
      body: {
        acc: dtype,
        init: { x: 2 },
        step: { fn: 'add', args: ['acc', { fn: 'mul', args: [{ x: 0 }, { x: 1 }] }] },
        finish: { fn: 'max', args: [{ fn: 'sub', args: ['acc', { x: 2 }] }, -20] },
      },
      macs: 0,
    };
    const weights = splat ? { dtype, shape: [depth, taps], data: [], splat: 2 } : values([depth, taps], 7);
    return { operation, shape, inputs: [values([depth, inRows, inColumns], 50), weights, values([columns], 3), undefined] };
  });

/** The definition, point by point, with nothing shared with the kernels but the table of functions. */
function naive({ operation, inputs, shape }: Case): number[] {
  const { body, domain, operands } = operation;
  if (!body) return [];
  const out = arrayFor(body.acc, shape[0] * shape[1]);
  const half = (value: number): number => (body.acc === 'float16' ? nearestHalf(value) : value);
  const cell = arrayFor(body.acc, 1);
  const round = (value: number): number => {
    cell[0] = half(value);
    return cell[0];
  };
  const at = (operand: number, point: number[]): number => {
    const values = inputs[operand];
    if (!values) return Number.NaN;
    let offset = 0;
    for (const [d, range] of operands[operand].map.entries()) {
      const index = range === 'all' ? 0 : evaluate(range.at, point);
      if (index < 0 || index >= values.shape[d]) return operands[operand].outside ?? Number.NaN;
      offset = offset * values.shape[d] + index;
    }
    return values.splat ?? values.data[offset];
  };
  const scalar = (value: Scalar, point: number[], acc: number): number => {
    if (typeof value === 'number') return value;
    if (value === 'acc') return acc;
    if ('x' in value) return at(value.x, point);
    return SCALAR_FUNCTIONS[value.fn](...value.args.map((argument) => scalar(argument, point, acc)));
  };
  for (let i = 0; i < domain[0].extent; i++) {
    for (let j = 0; j < domain[1].extent; j++) {
      let acc = round(scalar(body.init, [i, j, 0, 0], 0));
      for (let k = 0; k < domain[2].extent; k++) {
        for (let l = 0; l < domain[3].extent; l++) acc = round(scalar(body.step, [i, j, k, l], acc));
      }
      const place = operands[3].map.reduce<number>(
        (sum, range, d) => sum * shape[d] + (range === 'all' ? 0 : evaluate(range.at, [i, j])),
        0,
      );
      out[place] = half(scalar(body.finish, [i, j, 0, 0], acc));
    }
  }
  return Array.from(out);
}

/** By search through the neighbours of all 2^16 patterns' spacing: slow and plain. */
function nearestHalf(value: number): number {
  if (value === 0 || !Number.isFinite(value)) return value;
  let unit = 2 ** -24;
  while (Math.abs(value) / unit >= 2048) unit *= 2;
  const scaled = value / unit;
  const down = Math.floor(scaled);
  const rest = scaled - down;
  const whole = rest > 0.5 || (rest === 0.5 && down % 2 !== 0) ? down + 1 : down;
  return Math.abs(whole * unit) > 65504 ? Math.sign(value) * Number.POSITIVE_INFINITY : whole * unit;
}

describe('compiled bodies', () => {
  it('give what the definition gives', () => {
    fc.assert(
      fc.property(cases, (example) => {
        const [{ data }] = interpretOperation(example.operation, example.inputs, [
          { shape: example.shape, dtype: example.operation.body?.acc ?? 'float32' },
        ]);
        expect(Array.from(data)).toEqual(naive(example));
      }),
      { numRuns: 300 },
    );
  });

  it('give the same bits in boxes and in parts of the reduction', () => {
    fc.assert(
      fc.property(cases, fc.nat(4), fc.nat(5), fc.nat(3), (example, row, column, depth) => {
        const { operation, inputs, shape } = example;
        const dtype = operation.body?.acc ?? 'float32';
        const [rows, columns, depths, taps] = operation.domain.map(({ extent }) => extent);
        const out = { shape, dtype, data: arrayFor(dtype, rows * columns) };
        const sums = arrayFor(dtype, rows * columns);
        const halves = (cut: number, end: number): (readonly [number, number])[] => [
          [0, Math.min(cut, end)],
          [Math.min(cut, end), end],
        ];
        for (const r of halves(row, rows)) {
          for (const c of halves(column, columns)) {
            const none = [r, c, [0, 0], [0, 0]] as const;
            runBody(operation, inputs, out, none, 'init', sums);
            for (const d of halves(depth, depths)) runBody(operation, inputs, out, [r, c, d, [0, taps]], 'step', sums);
            runBody(operation, inputs, out, none, 'finish', sums);
          }
        }
        expect(Array.from(out.data)).toEqual(naive(example));
      }),
      { numRuns: 200 },
    );
  });
});
