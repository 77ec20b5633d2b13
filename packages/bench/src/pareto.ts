import { findModel } from './find-model.js';
import { MSF_CNN_NETWORKS } from './msf-cnn-networks.js';
import { networkProgram } from './networks.js';
import { FRONT_REFERENCES, type FrontReference } from './pareto-references.js';
import { type BenchOptions, type BenchResult, type BenchRow, type Front, row, type Suite } from './suite.js';
import { textTable } from './text-table.js';

/** Arena bytes against multiply-accumulates: plans of the searched front beside what is published, every plan verified. */
export const paretoSuite: Suite = {
  name: 'pareto',
  description: 'arena at a bounded factor of multiply-accumulates, beside published fronts (msf-CNN, MCUNetV2)',
  async run(options: BenchOptions): Promise<BenchResult> {
    const rows: BenchRow[] = [];
    const notes: string[] = [];
    const lines: string[][] = [];
    let wrong = false;
    for (const reference of FRONT_REFERENCES) {
      if (options.only.length > 0 && !options.only.some((part) => `${reference.name} ${reference.input}`.includes(part))) continue;
      const front = await frontOf(reference, options);
      if (!front) {
        notes.push(`${reference.name}: not found; give its folder with --models`);
        continue;
      }
      const found = comparedWith(reference, front);
      rows.push(...found.rows);
      lines.push(...found.lines);
      notes.push(...front.faults.map((fault) => `${reference.name}: ${fault}`));
      wrong ||= front.faults.length > 0;
    }
    return { suite: 'pareto', rows, text: table(lines), notes, wrong };
  },
};

async function frontOf(reference: FrontReference, options: BenchOptions): Promise<Front | undefined> {
  const { name, from, freeze, input, target, targets } = reference;
  const source = from === 'network' ? networkProgram(name, MSF_CNN_NETWORKS[name]) : findModel(name, options.models);
  if (source === undefined) return undefined;
  return options.runner.front(source, {
    freeze,
    input,
    target,
    factors: targets.map(({ macFactor }) => macFactor),
    progress: (line) => options.progress(`pareto: ${name}, ${input} input: ${line}`),
  });
}

function comparedWith({ name, input, targets, publishedBy }: FrontReference, front: Front): { rows: BenchRow[]; lines: string[][] } {
  const rows: BenchRow[] = [];
  const lines: string[][] = [];
  const label = `${name}, ${input}`;
  for (const { macFactor, bytes, published } of targets) {
    const within = front.points.filter((point) => point.macFactor <= macFactor + 1e-9);
    const best = within.reduce<Front['points'][number] | undefined>(
      (least, point) => (least === undefined || point.arenaBytes < least.arenaBytes ? point : least),
      undefined,
    );
    if (!best) continue;
    rows.push(row(label, `arena at ${macFactor}`, 'bytes', best.arenaBytes, bytes, 'to reach'));
    if (published !== undefined)
      rows.push(row(label, `arena at ${macFactor}`, 'bytes', best.arenaBytes, published, publishedBy ?? 'published'));
    lines.push([
      label,
      macFactor.toFixed(2),
      String(best.arenaBytes),
      String(best.peakBytes),
      best.macFactor.toFixed(3),
      String(best.tasks),
      String(bytes),
      (best.arenaBytes / bytes).toFixed(2),
      published === undefined ? '-' : String(published),
      published === undefined ? '-' : (best.arenaBytes / published).toFixed(2),
    ]);
  }
  rows.push(row(label, 'search of the front', 's', front.searchMs / 1000, 10, 'limit'));
  return { rows, lines };
}

function table(lines: readonly string[][]): string {
  const header = ['model, input', 'MACs ≤', 'arena', 'live', 'MACs', 'tasks', 'to reach', 'ratio', 'published', 'ratio'];
  return `Arena bytes at a factor of multiply-accumulates; ratios are ours ÷ theirs\n\n${textTable(header, lines)}`;
}
