import type { Program } from '@regrain/core-ir';
import { findModel } from './find-model.js';
import { MEMORY_REFERENCES } from './memory-references.js';
import { randomlyWired } from './random-wired.js';
import { type BenchOptions, type BenchResult, type BenchRow, type Ordering, type Orderings, row, type Suite } from './suite.js';
import { textTable } from './text-table.js';

/** The baseline first, the one that proves last. */
const SCHEDULERS = ['program-order', 'critical-path', 'locality', 'min-peak', 'beam', 'anneal', 'exact'] as const;
const SEEDS = [1, 2, 3];

interface Case {
  readonly name: string;
  readonly source: string | Program;
  readonly freeze: readonly string[];
  readonly cut: 'whole' | 'regions';
}

/** Orders alone: the peak of live bytes that each scheduler reaches on the same tasks, beside the best bound that one of them proved. */
export const scheduleSuite: Suite = {
  name: 'schedule',
  description: 'order of tasks: peak of live bytes by every scheduler, of whole tensors and of bands, beside a proved bound',
  async run(options: BenchOptions): Promise<BenchResult> {
    const rows: BenchRow[] = [];
    const lines: string[][] = [];
    const notes: string[] = [];
    for (const { name, source, freeze, cut } of casesOf(options, notes)) {
      options.progress(`schedule: ${name}`);
      const found = await options.order(source, { freeze, input: 'streamed', cut, schedulers: SCHEDULERS });
      rows.push(...rowsOf(name, found));
      lines.push(line(name, found));
      notes.push(...shortfalls(name, found));
    }
    return { suite: 'schedule', rows, text: text(lines), notes, wrong: notes.some((note) => note.includes('below a bound')) };
  },
};

function casesOf({ models, only }: BenchOptions, notes: string[]): Case[] {
  const wanted = (name: string): boolean => only.length === 0 || only.some((part) => name.includes(part));
  const cases: Case[] = [];
  for (const { model, freeze } of MEMORY_REFERENCES) {
    const both = (['whole', 'regions'] as const).map((cut) => ({ name: `${model}, ${cut === 'whole' ? 'whole tensors' : 'bands'}`, cut }));
    const named = both.filter(({ name }) => wanted(name));
    if (named.length === 0) continue;
    const source = findModel(model, models);
    if (source === undefined) notes.push(`${model}: not found; give its folder with --models`);
    else cases.push(...named.map(({ name, cut }) => ({ name, source, freeze, cut })));
  }
  for (const seed of SEEDS) {
    const name = `randomly wired ${seed}`;
    if (wanted(name)) cases.push({ name, source: randomlyWired(seed), freeze: [], cut: 'whole' });
  }
  return cases;
}

/** The highest bound that any scheduler proved. */
function boundOf({ orders }: Orderings): number {
  return Math.max(0, ...orders.map(({ boundBytes }) => boundBytes ?? 0));
}

function rowsOf(name: string, found: Orderings): BenchRow[] {
  const bound = boundOf(found);
  return found.orders.flatMap(({ scheduler, peakBytes, reuseBytes, ms }) => [
    row(name, `peak, ${scheduler}`, 'bytes', peakBytes, bound, 'proved bound'),
    row(name, `mean reuse distance, ${scheduler}`, 'bytes', reuseBytes, null, 'none'),
    row(name, `time, ${scheduler}`, 'ms', ms, null, 'none'),
  ]);
}

const HEADER = ['case', 'tasks', ...SCHEDULERS, 'bound', 'best ÷ bound', 'proved', 'reuse, min-peak', 'locality', 'exact ms'];

function line(name: string, found: Orderings): string[] {
  const of = (id: string): Ordering => found.orders.find(({ scheduler }) => scheduler === id) as Ordering;
  const bound = boundOf(found);
  const best = Math.min(...found.orders.map(({ peakBytes }) => peakBytes));
  return [
    name,
    String(found.tasks),
    ...SCHEDULERS.map((id) => String(of(id).peakBytes)),
    String(bound),
    (best / bound).toFixed(3),
    best === bound ? 'yes' : 'no',
    of('min-peak').reuseBytes.toFixed(0),
    of('locality').reuseBytes.toFixed(0),
    of('exact').ms.toFixed(0),
  ];
}

function text(lines: readonly string[][]): string {
  return [
    'Peak of live bytes, streamed input, before placement; the bound holds for every order of these tasks',
    textTable(HEADER, lines),
    'Reuse: mean bytes of distinct regions that are touched between two uses of one.',
  ].join('\n\n');
}

function shortfalls(name: string, found: Orderings): string[] {
  const bound = boundOf(found);
  return found.orders.flatMap(({ scheduler, peakBytes }) =>
    peakBytes < bound ? [`${name}: ${scheduler} reaches ${peakBytes}, below a bound of ${bound} that was called proved`] : [],
  );
}
