import { type Box, type DType, expand, type Operation, type Program, type Values, wholeTensorGrain } from '@regrain/core-ir';
import { simplePlan } from '@regrain/testkit';
import { describe, expect, it } from 'vitest';
import { emitWasm } from './emit.js';
import { type SessionOptions, WasmSession } from './session.js';
import { type WasmMemory, webAssembly } from './web-assembly.js';

/** y = a + b over five elements. */
function sum(dtype: DType): Program {
  const map = [{ at: { d: 0 } }];
  const operation: Operation = {
    name: 'add',
    type: 'Add',
    attributes: {},
    domain: [{ extent: 5, kind: 'parallel' }],
    operands: [
      { tensor: 0, mode: 'read', map },
      { tensor: 1, mode: 'read', map },
      { tensor: 2, mode: 'write', map },
    ],
    body: { acc: dtype === 'int64' ? 'float64' : dtype, init: 0, step: 0, finish: { fn: 'add', args: [{ x: 0 }, { x: 1 }] } },
    macs: 0,
  };
  const tensor = (name: string, kind: 'input' | 'computed') => ({ name, shape: [5], dtype, kind });
  return {
    name: 'sum',
    tensors: [tensor('a', 'input'), tensor('b', 'input'), tensor('y', 'computed')],
    operations: [operation],
    outputs: [2],
    states: [],
  };
}

async function open(dtype: DType, options: SessionOptions = {}): Promise<WasmSession> {
  const program = sum(dtype);
  const plan = simplePlan(program, expand(program, wholeTensorGrain(program)));
  const none = new Uint8Array();
  return WasmSession.open(plan, none, await emitWasm(plan, none, { oneLane: true }), options);
}

const floats = (...values: number[]): Values => ({ dtype: 'float32', shape: [values.length], data: values });
const a = Float32Array.of(1, 2, 3, 4, 5);

describe('inputs by name', () => {
  it('as typed arrays in an object: outputs come back so', async () => {
    const session = await open('float32');
    const { y } = session.run({ a, b: Float32Array.of(10, 20, 30, 40, 50) });
    expect(y).toMatchObject({ dtype: 'float32', shape: [5] });
    expect(Array.from(y.data)).toEqual([11, 22, 33, 44, 55]);
  });

  it('as values in a map, or of one number everywhere', async () => {
    const session = await open('float32');
    const outputs = session.run(
      new Map([
        ['a', floats(1, 2, 3, 4, 5)],
        ['b', { dtype: 'float32', shape: [5], data: [], splat: 1 }],
      ]),
    );
    expect(Array.from(outputs.get('y')?.data ?? [])).toEqual([2, 3, 4, 5, 6]);
  });

  it('of 64 bits, as far as doubles hold them', async () => {
    const session = await open('int64');
    const big = 2n ** 52n;
    const { y } = session.run({ a: BigInt64Array.of(1n, -2n, big, 4n, 5n), b: Float64Array.of(1, 1, 1, 1, 1) });
    expect(Array.from(y.data)).toEqual([2, -1, Number(big) + 1, 5, 6]);
    const beyond = { a: new BigInt64Array(5).fill(2n ** 60n), b: new BigInt64Array(5) };
    expect(() => session.run(beyond)).toThrow('input a of sum: 1152921504606846976 is beyond 2^53');
  });

  it('that are not numbers or not finite stay so', async () => {
    const session = await open('float32');
    const { y } = session.run({ a: Float32Array.of(Number.NaN, Infinity, -Infinity, -0, 1), b: Float32Array.of(1, 1, Infinity, -0, 1) });
    expect(Array.from(y.data)).toEqual([Number.NaN, Infinity, Number.NaN, -0, 2]);
  });
});

describe('an image', () => {
  it.each([
    ['of floats', Float32Array],
    ['of doubles', Float64Array],
  ])('%s is stored channels last and read back', async (_, made) => {
    const shape = [1, 3, 33, 47];
    const map = shape.map((_, d) => ({ at: { d } }));
    const tensor = (name: string, kind: 'input' | 'computed') => ({ name, shape, dtype: 'float32' as const, kind });
    const program: Program = {
      name: 'image',
      tensors: [tensor('x', 'input'), tensor('y', 'computed')],
      operations: [
        {
          name: 'copy',
          type: 'Copy',
          attributes: {},
          domain: shape.map((extent) => ({ extent, kind: 'parallel' })),
          operands: [
            { tensor: 0, mode: 'read', map },
            { tensor: 1, mode: 'write', map },
          ],
          body: { acc: 'float32', init: 0, step: 0, finish: { x: 0 } },
          macs: 0,
        },
      ],
      outputs: [1],
      states: [],
    };
    const plan = simplePlan(program, expand(program, { ...wholeTensorGrain(program), order: [[0, 2, 3, 1], []] }));
    const none = new Uint8Array();
    const emitted = await emitWasm(plan, none, { oneLane: true });
    expect(emitted.lanes[0].staging).toBeDefined();
    const session = await WasmSession.open(plan, none, emitted);
    const data = new made(3 * 33 * 47).map((_: number, k: number) => k);
    const outputs = session.run(new Map([['x', { dtype: 'float32', shape, data }]]));
    expect(Array.from(outputs.get('y')?.data ?? [])).toEqual(Array.from(data));
  });
});

describe('bad inputs are refused by name, and the session stays usable', () => {
  const b = a;
  it.each<[string, unknown, RegExp]>([
    ['a wrong name', { a, b, c: a }, /sum has no input c; it has a, b/],
    ['a name from the prototype', { a, b, constructor: a }, /no input constructor/],
    ['a missing one', { a }, /input b of sum is missing; it is float32 \[5\]/],
    ['a wrong length', { a: Float32Array.of(1), b }, /input a of sum is float32 \[5\], not 1 elements/],
    ['a wrong shape', { a: { ...floats(1, 2, 3, 4, 5), shape: [1, 5] }, b }, /float32 \[5\], not float32 \[1, 5\]/],
    ['a wrong type', { a: { ...floats(1, 2, 3, 4, 5), dtype: 'int32' }, b }, /not int32 \[5\]/],
    ['another array', { a: new Int32Array(5), b }, /give Float32Array, not Int32Array/],
    ['a plain array', { a: [1, 2, 3, 4, 5], b }, /not Array/],
    ['a number', { a: 1, b }, /not number/],
    ['nothing', { a: null, b }, /not null/],
    ['values without a shape', { a: { dtype: 'float32', data: a }, b }, /not Object/],
    ['an array in place of names', a, /given by name/],
    ['no inputs at all', undefined, /given by name/],
  ])('%s', async (_, inputs, message) => {
    const session = await open('float32');
    expect(() => session.run(inputs as Record<string, Float32Array>)).toThrow(message);
    expect(() => session.run(inputs as Record<string, Float32Array>)).toThrow(expect.objectContaining({ code: 'bad-input' }));
    expect(Array.from(session.run({ a, b }).y.data)).toEqual([2, 4, 6, 8, 10]);
  });
});

describe("memory of the caller's own", () => {
  it('takes outputs', async () => {
    const session = await open('float32');
    const y = new Float32Array(5);
    const outputs = session.run({ a, b: a }, { y });
    expect(outputs.y.data).toBe(y);
    expect(Array.from(y)).toEqual([2, 4, 6, 8, 10]);
    expect(() => session.run({ a, b: a }, { y: new Float32Array(4) })).toThrow('the array for output y has 4 elements, not 5');
    expect(() => session.run({ a, b: a }, { y: new Int8Array(5) })).toThrow(/give Float32Array, not Int8Array/);
    expect(() => session.run({ a, b: a }, { z: y })).toThrow('sum has no output z; it has y');
  });

  it('takes outputs of 64 bits', async () => {
    const session = await open('int64');
    const y = new BigInt64Array(5);
    session.run({ a: new BigInt64Array(5).fill(-3n), b: new BigInt64Array(5).fill(1n) }, { y });
    expect(Array.from(y)).toEqual([-2n, -2n, -2n, -2n, -2n]);
  });

  const memory = (initial: number, maximum = 65536, shared = false): WasmMemory => new webAssembly.Memory({ initial, maximum, shared });

  it('takes the arena, grown where that is needed', async () => {
    for (const own of [memory(8), memory(0)]) {
      const session = await open('float32', { memory: own });
      expect(session.memory).toBe(own);
      expect(Array.from(session.run({ a, b: a }).y.data)).toEqual([2, 4, 6, 8, 10]);
    }
  });

  it('that does not do is refused', async () => {
    await expect(open('float32', { memory: memory(0, 0) })).rejects.toMatchObject({ code: 'infeasible' });
    await expect(open('float32', { memory: memory(1, 1, true) })).rejects.toThrow(/takes memory that is not shared/);
    await expect(open('float32', { memory: new ArrayBuffer(65536) as unknown as WasmMemory })).rejects.toThrow(
      /to be a WebAssembly\.Memory/,
    );
  });
});

describe('a better plan in place of the one at hand', () => {
  /** Adds its input to what it added before. */
  const totals = (name: string): Program => {
    const program = sum('float32');
    const box = [[0, 5]] as const;
    return { ...program, name, states: [{ from: { tensor: 2, box }, to: { tensor: 1, box } }] };
  };
  const openTotals = async (name = 'totals', cut = false): Promise<WasmSession> => {
    const program = totals(name);
    const whole = wholeTensorGrain(program);
    const halves: Box[] = [[[0, 3]], [[3, 5]]];
    const grain = cut ? { ...whole, regions: [[], [], halves] } : whole;
    const plan = simplePlan(program, expand(program, grain));
    const none = new Uint8Array();
    return WasmSession.open(plan, none, await emitWasm(plan, none, { oneLane: true }));
  };

  it('goes on with its state', async () => {
    const first = await openTotals();
    first.run({ a });
    first.run({ a });
    const next = await openTotals('totals', true);
    expect(next.plan.steps.length).toBeGreaterThan(first.plan.steps.length);
    next.adopt(first);
    expect(Array.from(next.run({ a }).y.data)).toEqual([3, 6, 9, 12, 15]);
    // The one that was left keeps its own.
    expect(Array.from(first.run({ a }).y.data)).toEqual([3, 6, 9, 12, 15]);
    expect(Array.from(next.run({ a }).y.data)).toEqual([4, 8, 12, 16, 20]);
  });

  it('takes no state of another model', async () => {
    const first = await openTotals('others');
    const next = await openTotals();
    expect(() => next.adopt(first)).toThrow('totals cannot go on with the state of others');
  });
});

describe('memory that cannot be had', () => {
  it('says how much was wanted', async () => {
    const program = sum('float32');
    const plan = simplePlan(program, expand(program, wholeTensorGrain(program)));
    const wasm = await emitWasm(plan, new Uint8Array(), { oneLane: true });
    await expect(WasmSession.open(plan, new Uint8Array(), { ...wasm, memoryBytes: 2 ** 40 })).rejects.toMatchObject({
      code: 'infeasible',
      message: 'sum: 1099511627776 bytes of memory cannot be had',
    });
  });
});
