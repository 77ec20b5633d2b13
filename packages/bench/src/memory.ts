import { compileModel } from './compile-model.js';
import { findModel } from './find-model.js';
import { MEMORY_REFERENCES, type MemoryReference } from './memory-references.js';
import { type BenchResult, type BenchRow, row, type Suite } from './suite.js';
import { textTable } from './text-table.js';

interface Accounting {
  readonly peakBytes: number;
  readonly arenaBytes: number;
  readonly tensorPeakBytes: number;
  readonly boundBytes: number;
}

/** The part of `compile --json` that the suite reads. */
interface Compiled {
  readonly resident: Accounting;
  readonly streamedInput: Accounting;
  readonly externalInput: Accounting;
  readonly verified: boolean;
  readonly maxRssBytes: number;
}

const KIB = 1024;
const LIMIT_SECONDS = 60;
const LIMIT_RSS = 1024 ** 3;

/** Peak of activations of every reference model, by regions and by whole tensors, under the three accountings; one process per model. */
export const memorySuite: Suite = {
  name: 'memory',
  description: 'activation memory of real models: regions, whole tensors, row streaming and bound, three accountings',
  async run(options) {
    const rows: BenchRow[] = [];
    const notes: string[] = [];
    const lines: string[][] = [];
    for (const reference of MEMORY_REFERENCES) {
      if (options.only.length > 0 && !options.only.some((part) => reference.model.includes(part))) continue;
      const path = findModel(reference.model, options.models);
      if (!path) {
        notes.push(`${reference.model}: not found; give its folder with --models`);
        continue;
      }
      options.progress(`memory: ${reference.model}`);
      const started = performance.now();
      const compiled = await compileModel<Compiled>(options, path, reference.freeze);
      const seconds = (performance.now() - started) / 1000;
      if (typeof compiled === 'string') {
        notes.push(`${reference.model}: ${compiled}`);
        continue;
      }
      rows.push(...rowsOf(reference, compiled, seconds));
      lines.push(line(reference, compiled, seconds));
      notes.push(...shortfalls(reference, compiled, seconds));
    }
    return { suite: 'memory', rows, text: table(lines), notes } satisfies BenchResult;
  },
};

function rowsOf({ model, wholeKib, streamedKib }: MemoryReference, compiled: Compiled, seconds: number): BenchRow[] {
  const { streamedInput, resident, externalInput } = compiled;
  const target = streamedKib === undefined ? 'whole tensors' : 'row streaming';
  return [
    row(model, 'streamed input, peak', 'KiB', streamedInput.peakBytes / KIB, streamedKib ?? wholeKib, target),
    row(model, 'streamed input, arena', 'KiB', streamedInput.arenaBytes / KIB, streamedInput.boundBytes / KIB, 'lower bound'),
    row(model, 'streamed input, whole tensors', 'KiB', streamedInput.tensorPeakBytes / KIB, wholeKib, 'reference, at most'),
    row(model, 'resident, peak', 'KiB', resident.peakBytes / KIB, resident.tensorPeakBytes / KIB, 'our whole tensors'),
    row(model, 'external input, peak', 'KiB', externalInput.peakBytes / KIB, externalInput.tensorPeakBytes / KIB, 'our whole tensors'),
    row(model, 'compile, whole process', 's', seconds, LIMIT_SECONDS, 'limit'),
    row(model, 'memory of the compiler', 'MiB', compiled.maxRssBytes / KIB ** 2, LIMIT_RSS / KIB ** 2, 'limit'),
  ];
}

const HEADER = [
  'model',
  'whole ≤',
  'whole',
  'reference',
  'regions',
  'ratio',
  'arena',
  'bound',
  'resident',
  'whole',
  'external',
  'whole',
  's',
  'MiB',
];

function line(
  { model, wholeKib, streamedKib }: MemoryReference,
  { streamedInput, resident, externalInput, maxRssBytes }: Compiled,
  seconds: number,
): string[] {
  const kib = (bytes: number): string => (bytes / KIB).toFixed(bytes < 100 * KIB ? 1 : 0);
  return [
    model,
    String(wholeKib),
    kib(streamedInput.tensorPeakBytes),
    String(streamedKib ?? '-'),
    kib(streamedInput.peakBytes),
    (streamedInput.peakBytes / KIB / (streamedKib ?? wholeKib)).toFixed(2),
    kib(streamedInput.arenaBytes),
    kib(streamedInput.boundBytes),
    kib(resident.peakBytes),
    kib(resident.tensorPeakBytes),
    kib(externalInput.peakBytes),
    kib(externalInput.tensorPeakBytes),
    seconds.toFixed(1),
    (maxRssBytes / KIB ** 2).toFixed(0),
  ];
}

function table(lines: readonly string[][]): string {
  return `Peak of activations in KiB; streamed input unless a column says otherwise; ratio = regions ÷ reference (or whole tensors)\n\n${textTable(HEADER, lines)}`;
}

function shortfalls({ model, wholeKib, streamedKib }: MemoryReference, compiled: Compiled, seconds: number): string[] {
  const found: string[] = [];
  const over = (bytes: number, kib: number): boolean => Math.round(bytes / KIB) > kib;
  if (over(compiled.streamedInput.peakBytes, streamedKib ?? wholeKib))
    found.push(`${model}: regions above the reference of ${streamedKib ?? wholeKib} KiB`);
  if (over(compiled.streamedInput.tensorPeakBytes, wholeKib)) found.push(`${model}: whole tensors above ${wholeKib} KiB`);
  if (!compiled.verified) found.push(`${model}: not verified`);
  if (seconds > LIMIT_SECONDS) found.push(`${model}: ${seconds.toFixed(1)} s, more than ${LIMIT_SECONDS}`);
  if (compiled.maxRssBytes > LIMIT_RSS) found.push(`${model}: more than 1 GiB of memory`);
  return found;
}
