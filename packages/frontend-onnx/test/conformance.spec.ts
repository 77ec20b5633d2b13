import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RegrainError, type Values } from '@regrain/core-ir';
import { describe, expect, it } from 'vitest';
import { decodeModel, decodeTensor, tensorValues } from './onnx-proto.js';
import { attributesOf, runNode, setFor } from './run-node.js';

/** ONNX's backend node tests; present where the project's data is. */
const folder = process.env.REGRAIN_ONNX_NODE_TESTS ?? join(import.meta.dirname, '../../../../shared/data/onnx-conformance/node');

type Verdict = { readonly name: string; readonly what: 'passed' | 'wrong' | 'refused' | 'unknown'; readonly why: string };

function check(name: string): Verdict {
  const model = decodeModel(readFileSync(join(folder, name, 'model.onnx')));
  const { node, input, output, initializer } = model.graph;
  if (node.length !== 1) return { name, what: 'unknown', why: 'several nodes' };
  const [only] = node;
  if (!setFor(only.domain, only.op_type)) return { name, what: 'unknown', why: only.op_type };
  const data = join(folder, name, 'test_data_set_0');
  const load = (file: string): Values | undefined => tensorValues(decodeTensor(readFileSync(join(data, file))));
  const known = new Map<string, Values | undefined>(initializer.map((tensor) => [tensor.name, tensorValues(tensor)]));
  input.forEach(({ name: tensor }, i) => {
    if (existsSync(join(data, `input_${i}.pb`))) known.set(tensor, load(`input_${i}.pb`));
  });
  const expected = output.map((_, i) => load(`output_${i}.pb`));
  const inputs = only.input.map((tensor) => (tensor === '' ? undefined : known.get(tensor)));
  if (expected.includes(undefined) || only.input.some((tensor) => tensor !== '' && !known.get(tensor)))
    return { name, what: 'unknown', why: 'type' };
  const run = (constants: readonly number[]): Values[] =>
    runNode({
      type: only.op_type,
      opset: model.opset_import.find(({ domain }) => domain === only.domain)?.version ?? 1,
      attributes: attributesOf(only),
      inputs,
      constants,
      outputs: only.output.length,
    });
  try {
    let results: Values[];
    try {
      results = run([]);
    } catch (error) {
      // Shapes and axes that the test gives as inputs are bound as constants.
      if (!(error instanceof RegrainError)) throw error;
      results = run(inputs.map((_, i) => i).filter((i) => i > 0 || ['Range', 'ConstantOfShape', 'NonZero'].includes(only.op_type)));
    }
    const names = only.output.filter((tensor) => tensor !== '');
    for (const [i, { name: tensor }] of output.entries()) {
      const why = difference(results[only.output.indexOf(tensor)] ?? results[names.indexOf(tensor)], expected[i]!);
      if (why) return { name, what: 'wrong', why: `output ${i}: ${why}` };
    }
    return { name, what: 'passed', why: '' };
  } catch (error) {
    if (error instanceof RegrainError && error.code !== 'internal') return { name, what: 'refused', why: error.message };
    return { name, what: 'wrong', why: String(error) };
  }
}

function difference(actual: Values, expected: Values): string | undefined {
  if (actual.shape.join() !== expected.shape.join()) return `shape [${actual.shape}] instead of [${expected.shape}]`;
  if (actual.dtype !== expected.dtype) return `type ${actual.dtype} instead of ${expected.dtype}`;
  const tolerance = expected.dtype === 'float16' ? 2e-3 : expected.dtype.startsWith('float') ? 1e-4 : 0;
  const value = (i: number): number => actual.splat ?? actual.data[i];
  for (let i = 0; i < expected.data.length; i++) {
    const [a, b] = [value(i), expected.data[i]];
    if (a === b || (Number.isNaN(a) && Number.isNaN(b))) continue;
    if (!(Math.abs(a - b) <= tolerance * (1 + Math.abs(b)))) return `element ${i} is ${a} instead of ${b}`;
  }
  return undefined;
}

describe.skipIf(!existsSync(folder))('ONNX backend node tests', () => {
  it('gives no wrong result among those that are accepted', () => {
    const verdicts = readdirSync(folder).map(check);
    const count = (what: Verdict['what']): number => verdicts.filter((verdict) => verdict.what === what).length;
    if (process.env.REGRAIN_SHOW) {
      for (const what of ['unknown', 'refused', 'wrong'] as const) {
        for (const verdict of verdicts.filter((each) => each.what === what)) console.log(what, verdict.name, verdict.why);
      }
      console.log(`passed ${count('passed')} wrong ${count('wrong')} refused ${count('refused')} unknown ${count('unknown')}`);
    }
    expect(verdicts.filter(({ what }) => what === 'wrong')).toEqual([]);
    expect(count('passed')).toBeGreaterThan(300);
  });
});
