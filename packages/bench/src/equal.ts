import { type Choice, choiceId, type Values } from '@regrain/core-ir';
import { findModel } from './find-model.js';
import { MODELS } from './models.js';
import { type BenchOptions, type BenchResult, type Computed, row, type Suite } from './suite.js';
import { textTable } from './text-table.js';

const DECOMPOSITIONS: readonly Choice[] = [
  'whole-tensor',
  'bands',
  { id: 'bands', options: { rows: 4, columns: 8 } },
  { id: 'bands', options: { rows: 16, partialSums: false } },
  'search',
  'uniform',
];
const THREADS = [1, 2, 3];

/** `reordered`: partial sums; `rounded`: another kernel, chosen by a task's size, rounds floats otherwise. */
type Verdict = 'equal' | 'reordered' | 'rounded' | 'DIFFERS';

const WORST_FIRST: readonly Verdict[] = ['DIFFERS', 'rounded', 'reordered'];

/** Whether every decomposition on every number of threads computes the bits that whole tensors on one thread do. */
export const equalSuite: Suite = {
  name: 'equal',
  description: 'outputs of every decomposition and number of threads against whole tensors, bit by bit, free memory overwritten',
  async run(options: BenchOptions): Promise<BenchResult> {
    const lines: string[][] = [];
    const rows: BenchResult['rows'][number][] = [];
    const notes: string[] = [];
    let wrong = false;
    for (const { model, freeze } of MODELS) {
      if (options.only.length > 0 && !options.only.some((part) => model.includes(part))) continue;
      const path = findModel(model, options.models);
      if (!path) {
        notes.push(`${model}: not found; give its folder with --models`);
        continue;
      }
      const wanted = await options.runner.compute(path, freeze, 'whole-tensor', 1);
      const cells: string[] = [];
      for (const decompose of DECOMPOSITIONS) {
        const found: Verdict[] = [];
        let most = 1;
        for (const threads of THREADS) {
          options.progress(`equal: ${model}, ${nameOf(decompose)}, ${threads} threads`);
          const computed = await options.runner.compute(path, freeze, decompose, threads);
          most = Math.max(most, computed.threads);
          const verdict = compare(computed, wanted);
          found.push(verdict);
          const told = verdict === 'equal' || verdict === 'reordered' ? 1 : 0;
          rows.push(row(model, `${nameOf(decompose)}, ${threads} threads`, 'equal', told, 1, 'whole tensors'));
          wrong ||= verdict === 'DIFFERS';
          if (verdict === 'DIFFERS' || verdict === 'rounded')
            notes.push(
              `${model}, ${nameOf(decompose)}, ${threads} threads: ${verdict === 'rounded' ? 'floats are rounded otherwise' : verdict} than whole tensors`,
            );
        }
        cells.push(WORST_FIRST.find((each) => found.includes(each)) ?? `equal (1-${most})`);
      }
      lines.push([model, ...cells]);
    }
    return {
      suite: 'equal',
      rows,
      text: `Outputs against whole tensors on one thread, bit by bit (1-3: threads that the plan used); reordered: partial sums of floats, rounded: other kernels for small tasks; both within 1e-4\n\n${textTable(['model', ...DECOMPOSITIONS.map(nameOf)], lines)}`,
      notes,
      wrong,
    };
  },
};

function nameOf(choice: Choice): string {
  const options = typeof choice === 'string' ? {} : (choice.options ?? {});
  return [choiceId(choice), ...Object.entries(options).map(([key, value]) => `${key} ${value}`)].join(' ');
}

function compare({ outputs, partialSums }: Computed, wanted: Computed): Verdict {
  let verdict: Verdict = 'equal';
  for (const [name, values] of wanted.outputs) {
    const got = outputs.get(name);
    if (!got || got.data.length !== values.data.length) return 'DIFFERS';
    if (sameBits(got, values)) continue;
    if (!values.dtype.startsWith('float') || !near(got, values)) return 'DIFFERS';
    verdict = partialSums ? 'reordered' : 'rounded';
  }
  return verdict;
}

function sameBits(a: Values, b: Values): boolean {
  for (let k = 0; k < a.data.length; k++) if (!Object.is(a.data[k], b.data[k])) return false;
  return true;
}

/** Within 1e-4 of the largest magnitude. */
function near(a: Values, b: Values): boolean {
  let most = 0;
  for (let k = 0; k < b.data.length; k++) most = Math.max(most, Math.abs(b.data[k]));
  for (let k = 0; k < b.data.length; k++) if (!(Math.abs(a.data[k] - b.data[k]) <= 1e-4 * (most || 1))) return false;
  return true;
}
