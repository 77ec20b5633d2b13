import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RegrainError, type Values } from '@regrain/core-ir';
import { describe, expect, it } from 'vitest';
import { decodeModel, decodeTensor, tensorValues } from './onnx-proto.js';
import { runGraph, UnknownOperator } from './run-graph.js';

/** ONNX's backend node tests; present where the project's data is. */
const folder = process.env.REGRAIN_ONNX_NODE_TESTS ?? join(import.meta.dirname, '../../../../shared/data/onnx-conformance/node');

type Verdict = { readonly name: string; readonly what: 'passed' | 'wrong' | 'refused' | 'unknown'; readonly why: string };

function check(name: string): Verdict {
  const model = decodeModel(readFileSync(join(folder, name, 'model.onnx')));
  const { input, output } = model.graph;
  const data = join(folder, name, 'test_data_set_0');
  const load = (file: string): Values | undefined =>
    existsSync(join(data, file)) ? tensorValues(decodeTensor(readFileSync(join(data, file)))) : undefined;
  const given = new Map<string, Values>();
  for (const [i, { name: tensor }] of input.entries()) {
    const values = load(`input_${i}.pb`);
    if (!values) return { name, what: 'unknown', why: 'type of an input' };
    given.set(tensor, values);
  }
  const expected = output.map((_, i) => load(`output_${i}.pb`));
  if (expected.includes(undefined)) return { name, what: 'unknown', why: 'type of an output' };
  const first = input[0]?.name;
  // Data-dependent shapes need constants: first none of the inputs is one, then all but the first, then all.
  const attempts = [() => false, (tensor: string) => tensor !== first, () => true];
  let refusal = '';
  for (const constant of attempts) {
    try {
      const results = runGraph(model, given, constant);
      for (const [i, { name: tensor }] of output.entries()) {
        const why = difference(results.get(tensor)!, expected[i]!);
        if (why) return { name, what: 'wrong', why: `output ${i}: ${why}` };
      }
      return { name, what: 'passed', why: '' };
    } catch (error) {
      if (error instanceof UnknownOperator) return { name, what: 'unknown', why: error.message };
      if (!(error instanceof RegrainError) || error.code === 'internal') return { name, what: 'wrong', why: String(error) };
      refusal = error.message;
    }
  }
  return { name, what: 'refused', why: refusal };
}

function difference(actual: Values, expected: Values): string | undefined {
  if (actual.shape.join() !== expected.shape.join()) return `shape [${actual.shape}] instead of [${expected.shape}]`;
  if (actual.dtype !== expected.dtype) return `type ${actual.dtype} instead of ${expected.dtype}`;
  const tolerance = expected.dtype === 'float16' ? 4e-3 : expected.dtype.startsWith('float') ? 1e-4 : 0;
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
    expect(count('passed')).toBeGreaterThan(400);
  });
});
