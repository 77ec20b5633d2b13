import { setFlagsFromString } from 'node:v8';
import {
  type Body,
  expand,
  type Grain,
  type IndexMap,
  interpretProgram,
  type Operation,
  type Program,
  type Values,
} from '@regrain/core-ir';
import { simplePlan } from '@regrain/testkit';
import { partitions } from '@regrain/testkit/arbitraries';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Arithmetic, emitWasm } from '../emit.js';
import { WasmSession } from '../session.js';

// Fused operations, where V8 has them only behind a flag.
setFlagsFromString('--experimental-wasm-relaxed-simd');

const shapes = fc.record({
  channels: fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 4, max: 19 }) }, { weight: 2, arbitrary: fc.constant(1) }),
  /** Of a dense convolution. */
  inputs: fc.constantFrom(1, 3, 4, 8, 12),
  height: fc.integer({ min: 3, max: 9 }),
  width: fc.integer({ min: 6, max: 17 }),
  kernel: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 2, max: 5 })),
  stride: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 })),
  dilation: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 })),
  begin: fc.tuple(fc.nat(2), fc.nat(3)),
  end: fc.tuple(fc.nat(2), fc.nat(3)),
  kind: fc.constantFrom<'dense' | 'depthwise' | 'maximum' | 'average' | 'transposed'>(
    'dense',
    'depthwise',
    'maximum',
    'average',
    'transposed',
  ),
});
type Shape = typeof shapes extends fc.Arbitrary<infer T> ? T : never;

const PRODUCTS: Body = {
  acc: 'float32',
  init: 0,
  step: { fn: 'add', args: ['acc', { fn: 'mul', args: [{ x: 0 }, { x: 1 }] }] },
  finish: { fn: 'add', args: [{ fn: 'max', args: [{ fn: 'add', args: ['acc', { x: 2 }] }, 0] }, { x: 3 }] },
};

/** The same at all points of a row. */
const ALIKE: Body = { ...PRODUCTS, finish: { fn: 'max', args: [{ fn: 'add', args: ['acc', { x: 2 }] }, 0] } };

const BODIES: Readonly<Record<Shape['kind'], Body>> = {
  dense: PRODUCTS,
  transposed: PRODUCTS,
  depthwise: PRODUCTS,
  maximum: { acc: 'float32', init: -1e30, step: { fn: 'max', args: ['acc', { x: 0 }] }, finish: 'acc' },
  average: { acc: 'float32', init: 0, step: { fn: 'add', args: ['acc', { x: 0 }] }, finish: { fn: 'mul', args: ['acc', 0.25] } },
};

/** `t = 2 x`, then a window over t; a convolution also adds a bias and a residual. */
function build(shape: Shape): { program: Program; constants: Uint8Array; inputs: Map<string, Values> } | undefined {
  const { channels, inputs: inputChannels, height, width, kernel, stride, dilation, begin, end, kind } = shape;
  const transposed = kind === 'transposed';
  const out = [height, width].map((size, d) =>
    transposed ? size * stride[d] : Math.floor((size + begin[d] + end[d] - dilation[d] * (kernel[d] - 1) - 1) / stride[d]) + 1,
  );
  if (out[0] < 1 || out[1] < 2) return undefined;
  const dense = kind === 'dense' || transposed;
  const from = dense ? inputChannels : channels;
  const floats: number[] = [];
  let state = 7;
  const random = (): number => {
    state = (state * 16807) % 2147483647;
    return Math.fround(((state % 2001) - 1000) / 700);
  };
  const constant = (name: string, dims: number[]) => {
    const offset = floats.length * 4;
    for (let k = dims.reduce((a, b) => a * b); k > 0; k--) floats.push(random());
    return { name, shape: dims, dtype: 'float32' as const, kind: 'constant' as const, data: { offset, sha256: '' } };
  };
  const input = (name: string, dims: number[]) => ({ name, shape: dims, dtype: 'float32' as const, kind: 'input' as const });
  const computed = (name: string, dims: number[]) => ({ name, shape: dims, dtype: 'float32' as const, kind: 'computed' as const });
  const tensors = [
    input('x', [1, from, height, width]),
    computed('t', [1, from, height, width]),
    constant('w', [transposed ? from : channels, transposed ? channels : dense ? from : 1, ...kernel]),
    constant('b', [channels]),
    input('r', [1, channels, ...out]),
    computed('y', [1, channels, ...out]),
  ];
  const same: IndexMap = [0, 1, 2, 3].map((d) => ({ at: { d } }));
  const at = (d: number): IndexMap[number] =>
    transposed
      ? { at: ['+', ['div', { d: 2 + d }, stride[d]], ['*', { d: 5 + d }, -1]] }
      : { at: ['+', ['+', ['*', { d: 2 + d }, stride[d]], ['*', { d: 5 + d }, dilation[d]]], -begin[d]] };
  const weight = (d: number): IndexMap[number] =>
    transposed ? { at: ['+', ['mod', { d: 2 + d }, stride[d]], ['*', { d: 5 + d }, stride[d]]] } : { at: { d: 5 + d } };
  const channelsOf: IndexMap = transposed ? [{ at: { d: 4 } }, { at: { d: 1 } }] : [{ at: { d: 1 } }, { at: { d: 4 } }];
  const taps = kernel.map((size, d) => (transposed ? Math.ceil(size / stride[d]) : size));
  const data: IndexMap = [{ at: { d: 0 } }, { at: { d: dense ? 4 : 1 } }, at(0), at(1)];
  const reads: Operation['operands'] = [
    { tensor: 1, mode: 'read', map: data, outside: kind === 'maximum' ? -1e30 : 0 },
    ...(kind === 'depthwise' || dense
      ? [
          { tensor: 2, mode: 'read' as const, map: [...channelsOf, weight(0), weight(1)], ...(transposed ? { outside: 0 } : {}) },
          { tensor: 3, mode: 'read' as const, map: [{ at: { d: 1 } }] },
          { tensor: 4, mode: 'read' as const, map: same },
        ]
      : []),
  ];
  const parallel = (extents: readonly number[]) => extents.map((extent) => ({ extent, kind: 'parallel' as const }));
  const operations: Operation[] = [
    {
      name: 'double',
      type: 'Double',
      attributes: {},
      domain: parallel(tensors[1].shape),
      operands: [
        { tensor: 0, mode: 'read', map: same },
        { tensor: 1, mode: 'write', map: same },
      ],
      body: { acc: 'float32', init: 0, step: 0, finish: { fn: 'mul', args: [{ x: 0 }, 2] } },
      macs: 0,
    },
    {
      name: 'window',
      type: 'Window',
      attributes: {},
      domain: [...parallel(tensors[5].shape), ...[dense ? from : 1, ...taps].map((extent) => ({ extent, kind: 'reduction' as const }))],
      operands: [...reads, { tensor: 5, mode: 'write', map: same }],
      body: dense && channels === 1 ? ALIKE : BODIES[kind],
      macs: 0,
    },
  ];
  const inputs = new Map<string, Values>();
  for (const { name, shape: dims, kind: role, dtype } of tensors) {
    if (role === 'input')
      inputs.set(name, { dtype, shape: dims, data: Float32Array.from({ length: dims.reduce((a, b) => a * b) }, random) });
  }
  const program = { name: 'window', tensors, operations, outputs: [5], states: [] };
  return { program, constants: new Uint8Array(Float32Array.from(floats).buffer), inputs };
}

const NHWC = [0, 2, 3, 1];

/** `side`: rows and columns of what the window writes are cut at multiples of it. */
const casesOf = (some: fc.Arbitrary<Shape>, side: fc.Arbitrary<number> = fc.constant(1)) =>
  fc.tuple(some, side).chain(([shape, by]) => {
    const built = build(shape);
    const region = (t: number, each: number) => {
      if (!built) return fc.constant([]);
      const { shape: extents } = built.program.tensors[t];
      const sides = extents.map((_, d) => (d < 2 ? 1 : each));
      return partitions(
        extents.map((extent, d) => Math.ceil(extent / sides[d])),
        3,
      ).map((boxes) =>
        boxes.map((box) => box.map(([lo, hi], d): [number, number] => [lo * sides[d], Math.min(hi * sides[d], extents[d])])),
      );
    };
    return fc.record({
      built: fc.constant(built),
      regions: fc.tuple(region(1, 1), region(5, by)),
      along: fc.constantFrom(undefined, [2], [3], [2, 3]),
      picks: fc.array(fc.nat(50), { minLength: 8, maxLength: 8 }),
    });
  });
type Case = ReturnType<typeof casesOf> extends fc.Arbitrary<infer T> ? T : never;

/** Convolutions of three columns, which fast arithmetic computes in blocks of four; every second of three rows, too. */
const short = fc.tuple(shapes, fc.boolean()).map(
  ([shape, square]): Shape => ({
    ...shape,
    kind: 'dense',
    inputs: shape.inputs < 8 ? 8 : 12,
    channels: shape.channels + 8,
    height: shape.height + (square ? 3 : 0),
    width: shape.width + 6,
    kernel: [square ? 3 : shape.kernel[0], 3],
    stride: [square ? 1 : shape.stride[0], 1],
    dilation: [square ? 1 : shape.dilation[0], 1],
  }),
);

/** What came out by whole tensors and by regions, how far it is from the reference at most, and how it was computed. */
async function compute({ built, regions: [t, y], along, picks }: Case, math: Arithmetic) {
  const kernels = { window: 0, contraction: 0, generic: 0, winograd: 0 };
  if (!built) return { whole: [], cut: [], error: 0, kernels };
  const { program, constants, inputs } = built;
  const order = program.tensors.map(({ shape }) => (shape.length === 4 ? NHWC : []));
  const plain: Grain = {
    regions: program.tensors.map(() => []),
    tasks: program.operations.map(() => 'owner'),
    order,
    recompute: [],
    reduce: [],
  };
  const regions: Grain = {
    ...plain,
    regions: plain.regions.map((_, k) => (k === 1 ? t : k === 5 ? y : [])),
    recompute: along ? [{ tensor: 1, reader: 1, along }] : [],
  };
  const results: number[][] = [];
  for (const grain of [plain, regions]) {
    let pick = 0;
    const plan = simplePlan(program, expand(program, grain), { random: (below) => picks[pick++ % picks.length] % below });
    const emitted = await emitWasm(plan, constants, { oneLane: true, math });
    kernels.window += emitted.kernels.window;
    kernels.contraction += emitted.kernels.contraction;
    kernels.generic += emitted.kernels.generic;
    kernels.winograd += emitted.scratchBytes > 0 ? 1 : 0;
    const session = await WasmSession.open(plan, constants, emitted, { poison: 0xfa });
    session.run(inputs);
    results.push(Array.from(session.run(inputs).get('y')?.data ?? []));
  }
  const wanted = Array.from(interpretProgram(program, constants, inputs).get('y')?.data ?? []);
  const greatest = Math.max(1, ...wanted.map(Math.abs));
  const [whole, cut] = results;
  const error = Math.max(...results.flatMap((result) => wanted.map((value, k) => Math.abs(result[k] - value) / greatest)));
  return { whole, cut, error, kernels };
}

describe('convolutions and pooling', () => {
  it('is near the reference and the same to the bit however it is cut', async () => {
    let [windows, contractions] = [0, 0];
    await fc.assert(
      fc.asyncProperty(casesOf(shapes), async (example) => {
        const { whole, cut, error, kernels } = await compute(example, 'exact');
        windows += kernels.window;
        contractions += kernels.contraction;
        expect(error).toBeLessThan(5e-6);
        // Element by element sums are in doubles.
        if (kernels.generic === 0) expect(cut).toEqual(whole);
      }),
      { numRuns: 160 },
    );
    expect(windows).toBeGreaterThan(70);
    expect(contractions).toBeGreaterThan(30);
  });

  it('multiplies padding with weights that are not finite', async () => {
    const built = build({
      channels: 8,
      inputs: 1,
      height: 4,
      width: 8,
      kernel: [3, 3],
      stride: [1, 1],
      dilation: [1, 1],
      begin: [1, 1],
      end: [1, 1],
      kind: 'depthwise',
    });
    if (!built) throw new Error('no such convolution');
    new Float32Array(built.constants.buffer)[0] = Number.POSITIVE_INFINITY;
    const { whole, cut, kernels } = await compute({ built, regions: [[], []], along: undefined, picks: [0] }, 'exact');
    const wanted = interpretProgram(built.program, built.constants, built.inputs).get('y')?.data ?? [];
    expect(kernels.window).toBeGreaterThan(0);
    expect(whole.map(Number.isNaN)).toEqual(Array.from(wanted, Number.isNaN));
    expect(whole.some(Number.isNaN)).toBe(true);
    expect(cut).toEqual(whole);
  });

  it('by fast arithmetic is near the reference, and the same to the bit where channels read, and rows and columns written are cut in fours', async () => {
    let blocks = 0;
    await fc.assert(
      fc.asyncProperty(casesOf(short, fc.constantFrom(1, 4)), async (example) => {
        const { whole, cut, error, kernels } = await compute(example, 'fast');
        blocks += kernels.winograd;
        expect(error).toBeLessThan(2e-5);
        const [read, written] = example.regions;
        const inBlocks = read.every(([, [lo]]) => lo % 4 === 0) && written.every(([, , [y], [x]]) => y % 4 === 0 && x % 4 === 0);
        if (inBlocks) expect(cut).toEqual(whole);
      }),
      { numRuns: 100 },
    );
    expect(blocks).toBeGreaterThan(70);
  });
});
