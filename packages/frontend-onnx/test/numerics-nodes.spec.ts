import { readFileSync } from 'node:fs';
import type { Values } from '@regrain/core-ir';
import { describe, expect, it } from 'vitest';
import { randomValues } from './agreement.js';
import { models, SHAPES } from './models.js';
import { decodeModel, dtypeOfCode, encode, type ProtoModel } from './onnx-proto.js';
import { runOnnx } from './onnx-runtime.js';
import { runGraph } from './run-graph.js';

/** What deviates, by operator type. */
interface Deviation {
  elements: number;
  different: number;
  /** Of the tensor's greatest magnitude. */
  worst: number;
  at: string;
}

export function randomInputs(model: ProtoModel, name: string): Record<string, Values> {
  const known = new Set(model.graph.initializer.map((tensor) => tensor.name));
  const inputs = model.graph.input.filter((input) => !known.has(input.name));
  return Object.fromEntries(
    inputs.map((input) => {
      const type = input.type.tensor_type!;
      const dtype = dtypeOfCode(type.elem_type)!;
      const shape = SHAPES[name]?.[input.name] ?? type.shape!.dim.map(({ dim_value }) => dim_value || 1);
      return [input.name, dtype === 'int8' ? randomValues(shape, dtype, -128, 128) : randomValues(shape, dtype, -1, 1)];
    }),
  );
}

/** The model with every computed tensor among its outputs: a second, partial graph behind a message is merged into the first. */
export function withAllOutputs(bytes: Uint8Array, model: ProtoModel): Uint8Array {
  const have = new Set(model.graph.output.map(({ name }) => name));
  const more = model.graph.node.flatMap((node) => node.output).filter((name) => name !== '' && !have.has(name));
  return Buffer.concat([bytes, encode('Model', { graph: { output: more.map((name) => ({ name })) } })]);
}

/** Results between 0 and 1, whose exponentials ONNX Runtime approximates to an absolute error of about 1e-7. */
const BOUNDED = new Set(['Sigmoid', 'Softmax', 'Tanh']);

function compare(actual: Values, expected: Values, floor: number): { different: number; worst: number } {
  expect(actual.shape).toEqual(expected.shape);
  let different = 0;
  let error = 0;
  let scale = floor;
  const integer = !expected.dtype.startsWith('float');
  for (let i = 0; i < expected.data.length; i++) {
    const [a, b] = [actual.splat ?? actual.data[i], expected.data[i]];
    if (a !== b) different++;
    error = Math.max(error, Math.abs(a - b));
    scale = Math.max(scale, Math.abs(b));
  }
  return { different, worst: integer ? error : error / scale };
}

/**
 * Every node of real models, each given the values that ONNX Runtime computed before it: so a rounding that falls the other way counts
 * once, however much the model amplifies it.
 */
describe('every node of real models agrees with ONNX Runtime', () => {
  it.each(models())('$name', async ({ name, path }) => {
    const bytes = readFileSync(path);
    const model = decodeModel(bytes);
    const inputs = randomInputs(model, name);
    const reference = await runOnnx(withAllOutputs(bytes, model), inputs, { optimize: 'disabled' });
    const deviations = new Map<string, Deviation>();
    const given = new Map(Object.entries(inputs));
    runGraph(model, given, undefined, (node, tensor, values) => {
      const expected = reference.get(tensor);
      if (!expected) return values;
      const { different, worst } = compare(values, expected, BOUNDED.has(node.op_type) ? 1 : 1e-30);
      const integer = !expected.dtype.startsWith('float');
      const key = `${node.op_type}:${integer ? 'integer' : 'float'}`;
      const sum = deviations.get(key) ?? { elements: 0, different: 0, worst: 0, at: '' };
      deviations.set(key, {
        elements: sum.elements + expected.data.length,
        different: sum.different + different,
        worst: Math.max(sum.worst, worst),
        at: worst > sum.worst ? tensor : sum.at,
      });
      return expected;
    });
    if (process.env.REGRAIN_SHOW) console.log(name, Object.fromEntries(deviations));
    for (const [key, { elements, different, worst, at }] of deviations) {
      const limit = key.endsWith('integer') ? 1 : 1e-5;
      expect(worst, `${key} at ${at}`).toBeLessThanOrEqual(limit);
      if (key.endsWith('integer')) expect(different / elements, key).toBeLessThanOrEqual(1e-4);
    }
  });
});
