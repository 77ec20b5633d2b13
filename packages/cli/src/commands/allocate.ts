import { readFileSync } from 'node:fs';
import type { Packed } from '@regrain/core-ir';
import { Command, Option } from 'commander';
import { type CsvPacking, rowOffsets } from '../allocation/packing.js';
import { type CsvTable, readCsv } from '../allocation/read-csv.js';
import { SEARCHING, type Summary, solve } from '../allocation/solve.js';
import { openSession } from '../open-session.js';
import { atLeast, bytes, integer } from '../options/parse.js';
import { examples } from '../output/examples.js';
import { EXIT } from '../output/failure.js';
import { printJson } from '../output/json.js';
import { duration, group, percent } from '../output/size.js';
import { writeFileWhole } from '../output/write-folder.js';
import type { Shell } from '../shell.js';

interface Options {
  readonly capacity?: number;
  readonly allocator: string;
  readonly budget?: number;
  readonly config?: string;
  readonly seed: number;
  readonly out?: string;
  readonly json?: boolean;
}

export function allocateCommand(shell: Shell): Command {
  return new Command('allocate')
    .description('gives buffers their offsets: placement alone, on the CSV of MinimAlloc')
    .argument('<file>', 'columns id, lower, upper, size; also alignment, offset (given), gaps')
    .addOption(new Option('--capacity <bytes>', 'height that must not be exceeded').argParser(bytes))
    .option('--allocator <id>', 'which allocator; exact searches where the list orders of best-fit are not enough', SEARCHING)
    .addOption(new Option('--budget <seconds>', 'end the search after this time, with the best so far').argParser(atLeast(0.001)))
    .option('--config <file>', 'plugins and settings (default: regrain.config.* in the working directory)')
    .addOption(new Option('--seed <n>', 'of all random choices').argParser(integer(0, 2 ** 32 - 1)).default(1))
    .option('--out <file>', 'write the file with its offset column')
    .option('--json', 'print one JSON value')
    .addHelpText(
      'after',
      examples(
        'regrain allocate examples/allocation/input.12.csv --capacity 12',
        'regrain allocate examples/allocation/A.1048576.csv --budget 5',
        'regrain allocate buffers.csv --allocator greedy-by-size --out placed.csv --json',
      ),
    )
    .action(async (path: string, options: Options) => allocate(shell, path, options));
}

async function allocate(shell: Shell, path: string, options: Options): Promise<void> {
  const { terminal } = shell;
  const table = readCsv(readFileSync(path, 'utf8'), path);
  const { session } = await openSession(options.config, terminal);
  const { problem, packed, summary } = await solve(session, table, { ...options, progress: (line) => terminal.progress(line) });
  if (packed.ok && options.out !== undefined)
    writeFileWhole(options.out, withOffsets(table, rowOffsets(table.buffers, problem, packed.offsets)));
  if (options.json) printJson(summary, terminal);
  else terminal.out(`${text(summary, options.allocator)}\n`);
  if (packed.ok) return;
  terminal.note(`regrain: ${failure(path, table, problem, packed)}`);
  shell.exitCode = EXIT.failed;
}

function text({ buffers, capacity, height, loadBound, solved, provenOptimal, nodes, cpuMs }: Summary, allocator: string): string {
  const limit = capacity === null ? '' : ` of ${group(capacity)} allowed`;
  const quality = provenOptimal ? 'optimal' : `${percent(height, loadBound)} of the lower bound ${group(loadBound)}`;
  const verdict = solved ? `fit in ${group(height)} bytes${limit} (${quality})` : `need ${group(height)} bytes${limit}`;
  return `${group(buffers)} buffers ${verdict}; ${allocator}, ${nodes > 0 ? `${group(nodes)} nodes, ` : ''}${duration(cpuMs)} of processor time.`;
}

function failure(path: string, table: CsvTable, problem: CsvPacking, packed: Packed & { ok: false }): string {
  const { capacity } = problem.packing;
  const high = table.buffers.findIndex(({ offset, size }) => offset !== undefined && offset + size > capacity);
  if (high >= 0) {
    const { id, offset = 0, size } = table.buffers[high];
    return `${path}:${table.lines[high]}: no packing exists: "${id}" ends at ${offset + size} by its given offset, beyond the capacity of ${capacity}`;
  }
  return `${path}: ${verdict(problem, packed)} at time ${problem.times[packed.at]}, where the largest are ${largest(table, problem, packed)}`;
}

function verdict({ packing: { capacity }, loadBound }: CsvPacking, { proved, required }: Packed & { ok: false }): string {
  if (capacity < loadBound)
    return `no packing exists: the capacity of ${capacity} bytes is below the proven bound: ${required} bytes are required`;
  if (proved) return `no packing exists, by exhaustion; the best found takes ${required} bytes; most live`;
  return `no packing was found: ${required} bytes are required; most live`;
}

function largest({ buffers }: CsvTable, { carrier }: CsvPacking, packed: Packed & { ok: false }): string {
  const rowOf = new Map<number, number>();
  carrier.forEach((buffer, r) => {
    if (buffer >= 0) rowOf.set(buffer, r);
  });
  const living = packed.buffers.flatMap((b) => rowOf.get(b) ?? []).map((r) => buffers[r]);
  living.sort((a, b) => b.size - a.size);
  const made = living.slice(0, 3).map(({ id, size }) => `${id} ${size}`);
  return made.join(', ');
}

/** The file as it was, its offset column set (added at the end if there was none). */
function withOffsets({ header, rows }: CsvTable, offsets: readonly number[]): string {
  const at = header.findIndex((name) => name.toLowerCase() === 'offset');
  const lines = rows.map((row, r) => (at < 0 ? [...row, String(offsets[r])] : row.with(at, String(offsets[r]))));
  return [at < 0 ? [...header, 'offset'] : header, ...lines].map((line) => `${line.map(quote).join(',')}\n`).join('');
}

function quote(cell: string): string {
  return /[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
