import { readFileSync } from 'node:fs';
import { Allocator, type Packed, PluginError } from '@regrain/core-ir';
import { Command, Option } from 'commander';
import { packingContext } from '../allocation/context.js';
import { type CsvPacking, faultOf, packingOf, rowOffsets } from '../allocation/packing.js';
import { type CsvTable, readCsv } from '../allocation/read-csv.js';
import { openSession } from '../open-session.js';
import { bytes, integer } from '../options/parse.js';
import { examples } from '../output/examples.js';
import { EXIT } from '../output/failure.js';
import { printJson } from '../output/json.js';
import { duration, group, percent } from '../output/size.js';
import { writeFileWhole } from '../output/write-folder.js';
import type { Shell } from '../shell.js';

interface Options {
  readonly capacity?: number;
  readonly allocator: string;
  readonly config?: string;
  readonly seed: number;
  readonly out?: string;
  readonly json?: boolean;
}

/** `allocate --json` (DESIGN section 11). Without a capacity every packing solves the problem. */
interface Summary {
  readonly buffers: number;
  readonly capacity: number | null;
  readonly height: number;
  readonly loadBound: number;
  readonly solved: boolean;
  readonly provenOptimal: boolean;
  readonly cpuMs: number;
}

export function allocateCommand(shell: Shell): Command {
  return new Command('allocate')
    .description('gives buffers their offsets: placement alone, on the CSV of MinimAlloc')
    .argument('<file>', 'columns id, lower, upper, size; also alignment, offset (given), gaps')
    .addOption(new Option('--capacity <bytes>', 'height that must not be exceeded').argParser(bytes))
    .option('--allocator <id>', 'which allocator', 'best-fit')
    .option('--config <file>', 'plugins and settings (default: regrain.config.* in the working directory)')
    .addOption(new Option('--seed <n>', 'of all random choices').argParser(integer(0, 2 ** 32 - 1)).default(1))
    .option('--out <file>', 'write the file with its offset column')
    .option('--json', 'print one JSON value')
    .addHelpText(
      'after',
      examples(
        'regrain allocate examples/allocation/input.12.csv --capacity 12',
        'regrain allocate buffers.csv --allocator greedy-by-size --out placed.csv --json',
      ),
    )
    .action(async (path: string, options: Options) => allocate(shell, path, options));
}

async function allocate(shell: Shell, path: string, options: Options): Promise<void> {
  const { terminal } = shell;
  const table = readCsv(readFileSync(path, 'utf8'), path);
  const { session } = await openSession(options.config, terminal);
  const allocator = session.make(Allocator, options.allocator);
  const problem = packingOf(table.buffers, options.capacity ?? Number.POSITIVE_INFINITY);
  const began = process.cpuUsage();
  const packed = await allocator.place(problem.packing, packingContext(options.seed, terminal));
  const used = process.cpuUsage(began);
  terminal.progress('');
  const fault = packed.ok ? faultOf(problem, packed.offsets) : undefined;
  if (fault) throw new PluginError(options.allocator, fault);
  const summary: Summary = {
    buffers: table.buffers.length,
    capacity: options.capacity ?? null,
    height: packed.ok ? packed.height : packed.required,
    loadBound: problem.loadBound,
    solved: packed.ok,
    provenOptimal: packed.ok && (packed.optimal || packed.height === problem.loadBound),
    cpuMs: (used.user + used.system) / 1000,
  };
  if (packed.ok && options.out !== undefined)
    writeFileWhole(options.out, withOffsets(table, rowOffsets(table.buffers, problem, packed.offsets)));
  if (options.json) printJson(summary, terminal);
  else terminal.out(`${text(summary, options.allocator)}\n`);
  if (packed.ok) return;
  terminal.note(`regrain: ${failure(path, table, problem, packed)}`);
  shell.exitCode = EXIT.failed;
}

function text({ buffers, capacity, height, loadBound, solved, provenOptimal, cpuMs }: Summary, allocator: string): string {
  const limit = capacity === null ? '' : ` of ${group(capacity)} allowed`;
  const quality = provenOptimal ? 'optimal' : `${percent(height, loadBound)} of the lower bound ${group(loadBound)}`;
  const verdict = solved ? `fit in ${group(height)} bytes${limit} (${quality})` : `need ${group(height)} bytes${limit}`;
  return `${group(buffers)} buffers ${verdict}; ${allocator}, ${duration(cpuMs)} of processor time.`;
}

function failure(path: string, { buffers }: CsvTable, { times, carrier }: CsvPacking, packed: Packed & { ok: false }): string {
  const rowOf = new Map<number, number>();
  carrier.forEach((buffer, r) => {
    if (buffer >= 0) rowOf.set(buffer, r);
  });
  const living = packed.buffers.flatMap((b) => rowOf.get(b) ?? []).map((r) => buffers[r]);
  living.sort((a, b) => b.size - a.size);
  const made = living.slice(0, 3).map(({ id, size }) => `${id} ${size}`);
  return `${path}: ${packed.proved ? 'no packing exists' : 'no packing was found'}: ${packed.required} bytes are required at time ${times[packed.at]}, where the largest are ${made.join(', ')}`;
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
