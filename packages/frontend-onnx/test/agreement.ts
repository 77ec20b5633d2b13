import { type DType, elements, type Values } from '@regrain/core-ir';
import { expect } from 'vitest';
import { modelBytes, runOnnx } from './onnx-runtime.js';
import { runNode } from './run-node.js';

/** Uniform in [0, 1), the same on every run (mulberry32). */
export function randomSource(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Random values: floats in [low, high), integers of the same range. */
export function randomValues(shape: readonly number[], dtype: DType = 'float32', low = -2, high = 2, seed = 1): Values {
  const random = randomSource(seed + 1000 * elements(shape));
  const round = dtype.startsWith('float') ? Math.fround : Math.floor;
  return { dtype, shape, data: Float64Array.from({ length: elements(shape) }, () => round(low + random() * (high - low))) };
}

export const values = (shape: readonly number[], data: readonly number[], dtype: DType = 'float32'): Values => ({
  dtype,
  shape,
  data: data.map(dtype === 'float32' ? Math.fround : Number),
});
export const ints = (...data: number[]): Values => values([data.length], data, 'int64');

export interface Case {
  readonly type: string;
  readonly attributes?: Readonly<Record<string, unknown>>;
  readonly inputs: readonly (Values | undefined)[];
  readonly constants?: readonly number[];
  readonly outputs?: number;
  readonly opset?: number;
}

/** One node, run by the reference interpreter and by ONNX Runtime: the same shapes, types and (to `tolerance`) values. */
export async function agrees(one: Case, tolerance = 1e-5): Promise<void> {
  const count = one.outputs ?? 1;
  const names = one.inputs.map((input, i) => (input ? `x${i}` : ''));
  const isConstant = (i: number): boolean => one.constants?.includes(i) ?? false;
  const named = (constant: boolean): Record<string, Values> =>
    Object.fromEntries(one.inputs.flatMap((input, i) => (input && isConstant(i) === constant ? [[names[i], input]] : [])));
  const outputs = Array.from({ length: count }, (_, i) => `y${i}`);
  const bytes = modelBytes({
    nodes: [{ type: one.type, inputs: names, outputs, attributes: one.attributes }],
    inputs: named(false),
    initializers: named(true),
    outputs,
    opset: one.opset,
  });
  const expected = await runOnnx(bytes, named(false));
  const attributes = Object.fromEntries(
    Object.entries(one.attributes ?? {}).map(([name, value]) => [
      name,
      typeof value === 'object' && value !== null && 'float' in value ? value.float : value,
    ]),
  );
  const actual = runNode({ ...one, attributes, outputs: count });
  outputs.forEach((name, i) => {
    close(actual[i], expected.get(name)!, tolerance, `${one.type} ${JSON.stringify(one.attributes ?? {})}`);
  });
}

export function close(actual: Values, expected: Values, tolerance: number, what: string): void {
  expect({ what, shape: actual.shape, dtype: actual.dtype }).toEqual({ what, shape: expected.shape, dtype: expected.dtype });
  const value = (i: number): number => actual.splat ?? actual.data[i];
  for (let i = 0; i < expected.data.length; i++) {
    const [a, b] = [value(i), expected.data[i]];
    if (a === b || (Number.isNaN(a) && Number.isNaN(b)) || Math.abs(a - b) <= tolerance * (1 + Math.abs(b))) continue;
    expect.fail(`${what}: element ${i} is ${a}, ONNX Runtime has ${b}`);
  }
}
