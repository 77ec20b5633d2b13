import { findModel } from './find-model.js';
import { MEMORY_REFERENCES, type MemoryReference } from './memory-references.js';
import { type BenchOptions, type BenchResult, type BenchRow, type Front, row, type Suite } from './suite.js';
import { textTable } from './text-table.js';

/** Of the bound, at most, to count as near it. */
const NEAR = 1.05;
/** Tiles so wide suit kernels; what they take is held against tiles of one column. */
const WIDE = [16, 32];
/** Of single columns, at most. */
const WIDE_COST = 1.1;

/** Arena bytes without recomputation, input external, beside the bound on every plan, whole tensors, and plans of other tiles. */
export const boundSuite: Suite = {
  name: 'bound',
  description: 'arena without recomputation beside the lower bound with its derivation, whole tensors, and tiles of 1, 16 and 32 columns',
  async run(options: BenchOptions): Promise<BenchResult> {
    const rows: BenchRow[] = [];
    const notes: string[] = [];
    const lines: string[][] = [];
    const why: string[] = [];
    let wrong = false;
    for (const reference of MEMORY_REFERENCES) {
      const { model } = reference;
      if (options.only.length > 0 && !options.only.some((part) => model.includes(part))) continue;
      const path = findModel(model, options.models);
      if (!path) {
        notes.push(`${model}: not found; give its folder with --models`);
        continue;
      }
      const plan = (columns?: readonly number[]): Promise<Front> => planOf(path, reference, options, columns);
      const front = await plan();
      const ours = arenaOf(front);
      const single = arenaOf(await plan([1]));
      let wide = Number.POSITIVE_INFINITY;
      for (const columns of WIDE) wide = Math.min(wide, arenaOf(await plan([columns])));
      const { bytes, when, holds } = front.bound;
      rows.push(
        row(model, 'arena', 'bytes', ours, bytes, 'lower bound'),
        row(model, 'arena', 'bytes', ours, front.tensorPeakBytes, 'whole tensors'),
        row(model, 'arena, tiles of 16 or 32 columns', 'bytes', wide, single, 'single columns'),
      );
      const ratio = (a: number, b: number): string => (a / b).toFixed(3);
      lines.push([
        model,
        ...[ours, bytes].map(String),
        ratio(ours, bytes),
        ratio(ours, front.tensorPeakBytes),
        String(single),
        ratio(wide, single),
      ]);
      why.push(`${model}: ${when} ${holds.map(({ tensor, bytes: held }) => `${tensor} ${held}`).join(', ')}`);
      notes.push(...front.faults.map((fault) => `${model}: ${fault}`));
      wrong ||= front.faults.length > 0;
      if (ours > front.tensorPeakBytes) notes.push(`${model}: above whole tensors`);
      if (wide > WIDE_COST * single) notes.push(`${model}: wide tiles cost more than a tenth`);
    }
    const near = rows.filter(({ peerName, ratio }) => peerName === 'lower bound' && ratio !== null && ratio <= NEAR).length;
    const text = `${table(lines)}\n\nWithin ${NEAR} of the bound: ${near} of ${lines.length}\n\nThe bounds, and what is held then in bytes:\n${why.join('\n')}`;
    return { suite: 'bound', rows, text, notes, wrong };
  },
};

function planOf(
  path: string,
  { model, freeze }: MemoryReference,
  { runner, progress }: BenchOptions,
  columns?: readonly number[],
): Promise<Front> {
  return runner.front(path, {
    freeze,
    input: 'external',
    // Of quantised models tiles are aligned to 4 bytes, of the others to 64.
    target: model.endsWith('_qdq') ? 'cortex-m7-f746' : 'cpu',
    factors: [1],
    ...(columns ? { columns } : {}),
    progress: (line) => progress(`bound: ${model}${columns ? `, tiles of ${columns}` : ''}: ${line}`),
  });
}

function arenaOf({ points }: Front): number {
  return Math.min(...points.map(({ arenaBytes }) => arenaBytes));
}

function table(lines: readonly string[][]): string {
  const header = ['model', 'arena', 'bound', 'ratio', '÷ whole', '1 column', '16 or 32 ÷ 1'];
  return `Arena bytes without recomputation, input external\n\n${textTable(header, lines)}`;
}
