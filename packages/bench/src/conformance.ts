import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { badInput, elements, type Values } from '@regrain/core-ir';
import { type BenchOptions, type BenchResult, type ModelRunner, row, type Suite } from './suite.js';
import { textTable } from './text-table.js';

/** As ONNX's own runner compares floats (`onnx.backend.test`): |a - b| ≤ ABSOLUTE + RELATIVE × |b|. */
const RELATIVE = 1e-3;
const ABSOLUTE = 1e-7;
/** Cases whose own tolerance is larger: exponentials and sums in float16. */
const HALF_RELATIVE = 1e-2;

type Outcome = 'passed' | 'wrong' | 'refused';

interface Case {
  readonly name: string;
  readonly operator: string;
  readonly outcome: Outcome;
  readonly detail: string;
}

/** ONNX's conformance cases on our own kernels: passed, wrong and refused, by operator. */
export const conformanceSuite: Suite = {
  name: 'conformance',
  description: "ONNX's node conformance cases on regrain's own kernels (--cases FOLDER)",
  async run({ cases, runner, only, progress }: BenchOptions): Promise<BenchResult> {
    const folders = cases.flatMap(casesIn).filter((folder) => only.length === 0 || only.some((text) => basename(folder).includes(text)));
    const done: Case[] = [];
    for (const folder of folders) {
      progress(`conformance: ${done.length + 1} of ${folders.length}, ${basename(folder)}`);
      done.push(await runCase(folder, runner));
    }
    return result(done);
  },
};

function casesIn(folder: string): string[] {
  if (!existsSync(folder)) throw badInput(`--cases ${folder}: no such folder`);
  const found = existsSync(join(folder, 'model.onnx')) ? [folder] : readdirSync(folder).map((name) => join(folder, name));
  const whole = found.filter((each) => existsSync(join(each, 'model.onnx')));
  if (whole.length === 0) throw badInput(`--cases ${folder}: no case in it (a folder with model.onnx and test_data_set_0)`);
  return whole.sort();
}

async function runCase(folder: string, runner: ModelRunner): Promise<Case> {
  const name = basename(folder);
  const model = join(folder, 'model.onnx');
  const operator = name.replace(/^test_/, '').split('_')[0];
  const data = (kind: string, k: number): string => join(folder, 'test_data_set_0', `${kind}_${k}.pb`);
  try {
    const { inputs, outputs } = runner.interfaceOf(model);
    const given = new Map(inputs.map((input, k) => [input, runner.readTensor(data('input', k))]));
    const wanted = outputs.map((output, k) => [output, runner.readTensor(data('output', k))] as const);
    const got = await runner.run(model, given);
    for (const [output, values] of wanted) {
      const fault = difference(got.get(output), values);
      if (fault) return { name, operator, outcome: 'wrong', detail: `${output}: ${fault}` };
    }
    return { name, operator, outcome: 'passed', detail: '' };
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    const refused = code === 'unsupported' || code === 'bad-input';
    return { name, operator, outcome: refused ? 'refused' : 'wrong', detail: message.replace(`${model}: `, '') };
  }
}

/** What is wrong with values, in a few words. */
function difference(got: Values | undefined, wanted: Values): string | undefined {
  if (!got) return 'is missing';
  if (got.dtype !== wanted.dtype) return `is ${got.dtype}, not ${wanted.dtype}`;
  if (got.shape.join() !== wanted.shape.join()) return `has the shape [${got.shape}], not [${wanted.shape}]`;
  const float = wanted.dtype.startsWith('float');
  const relative = wanted.dtype === 'float16' ? HALF_RELATIVE : RELATIVE;
  for (let k = 0; k < elements(wanted.shape); k++) {
    const [a, b] = [got.splat ?? got.data[k], wanted.splat ?? wanted.data[k]];
    if (a === b || (Number.isNaN(a) && Number.isNaN(b))) continue;
    if (!float || !(Math.abs(a - b) <= ABSOLUTE + relative * Math.abs(b))) return `element ${k} is ${a}, not ${b}`;
  }
  return undefined;
}

function result(cases: readonly Case[]): BenchResult {
  const count = (of: readonly Case[], outcome: Outcome): number => of.filter((each) => each.outcome === outcome).length;
  const groups = new Map<string, Case[]>();
  for (const each of cases) {
    const group = groups.get(each.operator);
    if (group) group.push(each);
    else groups.set(each.operator, [each]);
  }
  const line = (name: string, of: readonly Case[]): string[] => [
    name,
    ...(['passed', 'wrong', 'refused'] as const).map((outcome) => `${count(of, outcome) || '-'}`),
    of.find(({ outcome }) => outcome !== 'passed')?.detail.slice(0, 90) ?? '',
  ];
  const table = textTable(
    ['operator', 'passed', 'wrong', 'refused', 'first that did not pass'],
    [...[...groups].sort(([a], [b]) => a.localeCompare(b)).map(([name, of]) => line(name, of)), line('all', cases)],
  );
  return {
    suite: 'conformance',
    rows: cases.map(({ name, outcome }) => row(name, outcome, 'cases', outcome === 'passed' ? 1 : 0, 1, 'ONNX')),
    text: `ONNX node conformance on regrain's own kernels\n\n${table}`,
    wrong: cases.some(({ outcome }) => outcome === 'wrong'),
    notes: cases.flatMap(({ name, outcome, detail }) => (outcome === 'wrong' ? [`${name}: WRONG: ${detail}`] : [])),
  };
}
