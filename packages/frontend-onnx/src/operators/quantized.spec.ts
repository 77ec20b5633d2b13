import { type DType, RegrainError, type Values } from '@regrain/core-ir';
import { describe, expect, it } from 'vitest';
import { agrees, type Case, randomValues, values } from '../../test/agreement.js';
import { modelBytes, runOnnx } from '../../test/onnx-runtime.js';
import { runNode } from '../../test/run-node.js';

/** An input of a quantised operator: stored values, scales, zero points. */
interface Stored {
  readonly values: Values;
  readonly scale: readonly number[];
  readonly zero: number;
  /** A constant of the model. */
  readonly known?: boolean;
}

interface QuantCase {
  readonly type: string;
  readonly inputs: readonly Stored[];
  readonly attributes?: Readonly<Record<string, unknown>>;
  readonly scale: number;
  readonly zero: number;
  readonly dtype?: DType;
  readonly clamp?: readonly [min: number, max: number];
}

const data = (shape: number[], scale: number, zero: number, seed = 3, dtype: DType = 'int8'): Stored => ({
  values: randomValues(shape, dtype, dtype === 'int8' ? -128 : 0, dtype === 'int8' ? 128 : 256, seed),
  scale: [Math.fround(scale)],
  zero,
});
/** Weights with a scale per channel of dimension 0, and their bias. */
const weights = (shape: number[], seed = 4): Stored => ({
  values: randomValues(shape, 'int8', -127, 128, seed),
  scale: Array.from({ length: shape[0] }, (_, i) => Math.fround(0.004 + 0.0007 * i)),
  zero: 0,
  known: true,
});
const bias = (of: Stored, by: Stored): Stored => ({
  values: randomValues([by.scale.length], 'int32', -3000, 3000),
  scale: by.scale.map((scale) => Math.fround(of.scale[0] * scale)),
  zero: 0,
  known: true,
});
function layer(
  type: string,
  shape: number[],
  weight: number[],
  scale: number,
  attributes: Record<string, unknown>,
  more: Partial<QuantCase> = {},
): QuantCase {
  const x = data(shape, 0.0235, -3);
  const w = weights(weight);
  return { type, inputs: [x, w, bias(x, w)], attributes, scale, zero: 5, ...more };
}

const plane = data([1, 8, 20, 20], 0.0235, -3);
const unary = (type: string, scale: number, zero: number, attributes: Record<string, unknown> = {}): QuantCase => ({
  type,
  inputs: [plane],
  attributes,
  scale,
  zero,
});

const cases: readonly QuantCase[] = [
  layer('Conv', [1, 8, 15, 15], [8, 8, 3, 3], 0.06, { kernel_shape: [3, 3] }),
  layer('Conv', [1, 8, 15, 15], [8, 8, 3, 3], 0.06, { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [2, 2] }),
  layer('Conv', [1, 8, 15, 15], [8, 1, 3, 3], 0.021, { kernel_shape: [3, 3], pads: [1, 1, 1, 1], group: 8 }),
  layer('Conv', [1, 8, 15, 15], [8, 8, 1, 1], 0.05, { kernel_shape: [1, 1] }, { clamp: [0, 3] }),
  layer('Gemm', [6, 40], [12, 40], 0.09, { transB: 1 }),
  { type: 'MatMul', inputs: [data([40, 64], 0.0235, -3), { ...data([64, 40], 0.01, 0, 5), known: true }], scale: 0.2, zero: -11 },
  {
    type: 'MatMul',
    inputs: [data([2, 10, 24], 0.0235, 120, 3, 'uint8'), data([2, 24, 10], 0.01, 130, 5, 'uint8')],
    scale: 0.05,
    zero: 128,
    dtype: 'uint8',
  },
  { type: 'Add', inputs: [plane, data([1, 8, 20, 20], 0.0317, 7, 9)], scale: 0.041, zero: -11 },
  { type: 'Add', inputs: [plane, data([1, 8, 20, 20], 0.0317, 7, 9)], scale: 0.041, zero: -11, clamp: [0, 2] },
  { type: 'Mul', inputs: [plane, data([1, 8, 1, 1], 0.0317, 7, 9)], scale: 0.07, zero: -11 },
  { type: 'Sub', inputs: [plane, data([1, 8, 20, 20], 0.0317, 7, 9)], scale: 0.041, zero: -11 },
  unary('Sigmoid', 0.0039, -128),
  unary('HardSigmoid', 0.0039, -128, { alpha: 0.25 }),
  unary('Softmax', 1 / 256, -128, { axis: 1 }),
  unary('LeakyRelu', 0.0213, -11, { alpha: 0.125 }),
  unary('Relu', 0.0213, -128),
  unary('ReduceMean', 0.0113, -11, { axes: [2, 3], keepdims: 1 }),
  unary('ReduceMean', 0.0113, -11, { axes: [3], keepdims: 0 }),
  unary('AveragePool', 0.0213, -11, { kernel_shape: [3, 3], strides: [2, 2] }),
  unary('AveragePool', 0.0213, -11, { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
  unary('GlobalAveragePool', 0.0113, -11),
];

/** DequantizeLinear of every input, the operator, QuantizeLinear. */
function model(one: QuantCase): Uint8Array {
  const scalar = (value: number, dtype: DType): Values => values([], [value], dtype);
  const initializers: Record<string, Values> = { sy: scalar(one.scale, 'float32'), zy: scalar(one.zero, one.dtype ?? 'int8') };
  const inputs: Record<string, Values> = {};
  const nodes = one.inputs.map((input, i) => {
    const several = input.scale.length > 1;
    initializers[`s${i}`] = several ? values([input.scale.length], input.scale) : scalar(input.scale[0], 'float32');
    initializers[`z${i}`] = several
      ? values(
          [input.scale.length],
          input.scale.map(() => input.zero),
          input.values.dtype,
        )
      : scalar(input.zero, input.values.dtype);
    (input.known ? initializers : inputs)[`x${i}`] = input.values;
    return { type: 'DequantizeLinear', inputs: [`x${i}`, `s${i}`, `z${i}`], outputs: [`f${i}`], attributes: several ? { axis: 0 } : {} };
  });
  const clip = one.clamp ? [{ type: 'Clip', inputs: ['r', 'low', 'high'], outputs: ['c'] }] : [];
  one.clamp?.forEach((limit, i) => {
    initializers[i === 0 ? 'low' : 'high'] = scalar(limit, 'float32');
  });
  return modelBytes({
    nodes: [
      ...nodes,
      { type: one.type, inputs: one.inputs.map((_, i) => `f${i}`), outputs: ['r'], attributes: one.attributes },
      ...clip,
      { type: 'QuantizeLinear', inputs: [one.clamp ? 'c' : 'r', 'sy', 'zy'], outputs: ['y'] },
    ],
    inputs,
    initializers,
    outputs: ['y'],
    opset: 13,
  });
}

function fused(one: QuantCase): Values {
  return runNode({
    type: `Q${one.type}`,
    domain: 'regrain',
    opset: 13,
    inputs: one.inputs.map((input) => input.values),
    attributes: {
      ...one.attributes,
      ...(one.clamp ? { min: one.clamp[0], max: one.clamp[1] } : {}),
      quant: {
        inputs: one.inputs.map(({ scale, zero }) => ({ scale, zeroPoint: scale.map(() => zero), axis: 0 })),
        output: { scale: [Math.fround(one.scale)], zeroPoint: [one.zero] },
        outputDtype: one.dtype ?? 'int8',
      },
    },
  })[0];
}

describe('quantised forms', () => {
  it.each(cases)('Q$type $attributes is DequantizeLinear, $type, QuantizeLinear', async (one) => {
    const actual = fused(one);
    const feeds = Object.fromEntries(one.inputs.flatMap((input, i) => (input.known ? [] : [[`x${i}`, input.values]])));
    // As the model's operators say, one by one; and as ONNX Runtime fuses them (its kernels may round a tie the other way).
    for (const [optimize, share] of [
      ['disabled', 0],
      ['all', 0.003],
    ] as const) {
      const expected = (await runOnnx(model(one), feeds, { optimize })).get('y')!;
      expect(actual.shape).toEqual(expected.shape);
      expect(actual.dtype).toBe(expected.dtype);
      let different = 0;
      for (let i = 0; i < expected.data.length; i++) {
        const distance = Math.abs(actual.data[i] - expected.data[i]);
        expect(distance).toBeLessThanOrEqual(1);
        if (distance > 0) different++;
      }
      expect(different / expected.data.length).toBeLessThanOrEqual(share);
    }
  });

  it('names the node without scales', () => {
    const run = () => runNode({ type: 'QConv', domain: 'regrain', inputs: [plane.values, plane.values] });
    expect(run).toThrow(RegrainError);
    expect(run).toThrow(/it \(QConv\): attribute quant is missing/);
  });
});

describe('QLinear forms', () => {
  const scalar = (value: number, dtype: DType = 'float32'): Values => values([], [value], dtype);
  const bytes = (shape: number[], seed: number): Values => randomValues(shape, 'uint8', 0, 256, seed);
  const signed = (shape: number[], seed: number): Values => randomValues(shape, 'int8', -127, 128, seed);
  const zero = (value: number): Values => scalar(value, 'uint8');
  const forms: readonly Case[] = [
    {
      type: 'QLinearConv',
      inputs: [
        bytes([1, 4, 9, 9], 1),
        scalar(0.02),
        zero(120),
        signed([3, 4, 3, 3], 2),
        values([3], [0.01, 0.02, 0.015]),
        values([3], [0, 0, 0], 'int8'),
        scalar(0.06),
        zero(110),
        randomValues([3], 'int32', -900, 900),
      ],
      constants: [1, 2, 3, 4, 5, 6, 7, 8],
      attributes: { pads: [1, 1, 1, 1], strides: [2, 2] },
    },
    {
      type: 'QLinearMatMul',
      inputs: [bytes([5, 16], 1), scalar(0.02), zero(120), bytes([16, 6], 2), scalar(0.01), zero(131), scalar(0.02), zero(128)],
      constants: [1, 2, 4, 5, 6, 7],
    },
  ];
  it.each(forms)('$type agrees with ONNX Runtime', (one) => agrees(one));
});

describe('QuantizeLinear and DequantizeLinear', () => {
  const scale = values([3], [0.1, 0.02, 0.5]);
  const zero = values([3], [1, -5, 0], 'int8');
  const real = randomValues([2, 3, 4], 'float32', -4, 4);
  const plain: readonly Case[] = [
    { type: 'QuantizeLinear', inputs: [real, values([], [0.03]), values([], [4], 'int8')], constants: [1, 2] },
    { type: 'QuantizeLinear', inputs: [real, values([], [0.03])] },
    { type: 'QuantizeLinear', inputs: [real, scale, zero], attributes: { axis: 1 } },
    { type: 'DequantizeLinear', inputs: [randomValues([2, 3, 4], 'int8', -128, 128), scale, zero], attributes: { axis: 1 } },
    { type: 'DequantizeLinear', inputs: [randomValues([2, 3, 4], 'int8', -128, 128), values([], [0.03])] },
    { type: 'DynamicQuantizeLinear', inputs: [real], outputs: 3 },
  ];
  it.each(plain)('$type $attributes agrees with ONNX Runtime', (one) => agrees(one));
});
