import { expand, type Grain, type IndexMap, type Operation, type Program, type Values } from '@regrain/core-ir';
import { simplePlan } from '@regrain/testkit';
import { partitions } from '@regrain/testkit/arbitraries';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emitWasm } from '../../emit.js';
import { WasmSession } from '../../session.js';

/** Softmax along one axis of a tensor of two or three dimensions. */
function build(shape: readonly number[], axis: number): Program {
  const rows = shape.flatMap((_, d) => (d === axis ? [] : [d]));
  const map: IndexMap = shape.map((extent, d) => (d === axis ? { at: 0, size: extent } : { at: { d: rows.indexOf(d) } }));
  const operation: Operation = {
    name: 'softmax',
    type: 'Softmax',
    attributes: { axis },
    domain: rows.map((d) => ({ extent: shape[d], kind: 'parallel' as const })),
    operands: [
      { tensor: 0, mode: 'read', map },
      { tensor: 1, mode: 'write', map },
    ],
    macs: 0,
  };
  const tensor = (name: string, kind: 'input' | 'computed') => ({ name, shape, dtype: 'float32' as const, kind });
  return { name: 'softmax', tensors: [tensor('x', 'input'), tensor('y', 'computed')], operations: [operation], outputs: [1], states: [] };
}

/** Straight from the definition, in doubles. */
function softmax(values: readonly number[], shape: readonly number[], axis: number): number[] {
  const step = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const span = step * shape[axis];
  return values.map((value, k) => {
    const start = Math.floor(k / span) * span + (k % step);
    const row = Array.from({ length: shape[axis] }, (_, i) => values[start + i * step]);
    const most = Math.max(...row);
    return Math.exp(value - most) / row.reduce((sum, each) => sum + Math.exp(each - most), 0);
  });
}

const cases = fc
  .record({
    shape: fc.array(fc.integer({ min: 1, max: 21 }), { minLength: 2, maxLength: 3 }),
    axis: fc.nat(2),
    scale: fc.constantFrom(1, 30, 200),
    odd: fc.constantFrom(undefined, Number.NaN, Number.NEGATIVE_INFINITY),
    seed: fc.nat(),
  })
  .map((each) => ({ ...each, axis: each.axis % each.shape.length }))
  .chain((each) => fc.record({ each: fc.constant(each), regions: partitions(each.shape, 3, [each.axis]) }));

describe('softmax', () => {
  it('is near its definition, and the same to the bit however its rows are cut', async () => {
    let kernels = 0;
    await fc.assert(
      fc.asyncProperty(cases, async ({ each: { shape, axis, scale, odd, seed }, regions }) => {
        const program = build(shape, axis);
        let state = seed + 1;
        const values = Array.from({ length: shape.reduce((a, b) => a * b) }, () => {
          state = (state * 48271) % 2147483647;
          return Math.fround(((state % 2001) / 1000 - 1) * scale);
        });
        if (odd !== undefined) values[seed % values.length] = odd;
        const inputs = new Map<string, Values>([['x', { dtype: 'float32', shape, data: Float64Array.from(values) }]]);
        const plain: Grain = { regions: [[], []], tasks: ['owner'], order: [[], []], recompute: [], reduce: [] };
        const results: number[][] = [];
        for (const grain of [plain, { ...plain, regions: [[], regions] }]) {
          const emitted = await emitWasm(simplePlan(program, expand(program, grain)), new Uint8Array(), { oneLane: true });
          if (emitted.kernels.lanes === 0) return;
          kernels++;
          const session = await WasmSession.open(simplePlan(program, expand(program, grain)), new Uint8Array(), emitted, { poison: 0xfa });
          results.push(Array.from(session.run(inputs).get('y')?.data ?? []));
        }
        const wanted = softmax(values, shape, axis);
        for (const [k, value] of wanted.entries()) {
          if (Number.isNaN(value)) expect(results[0][k]).toBeNaN();
          else expect(Math.abs(results[0][k] - value)).toBeLessThan(1e-6);
        }
        expect(results[1]).toEqual(results[0]);
      }),
      { numRuns: 40 },
    );
    expect(kernels).toBeGreaterThan(30);
  });
});
