import { badInput, nearest } from '@regrain/core-ir';
import { CsvError, parse } from 'csv-parse/sync';
import { clashOf } from './clash.js';
import { piecesOf } from './pieces.js';

/** A time span in which a buffer does not hold its bytes, or only those of `window`. Both half-open. */
export interface Gap {
  readonly lower: number;
  readonly upper: number;
  readonly window?: readonly [lower: number, upper: number];
}

/** One row of MinimAlloc's CSV: `size` bytes live in `[lower, upper)`. */
export interface CsvBuffer {
  readonly id: string;
  readonly lower: number;
  readonly upper: number;
  readonly size: number;
  readonly alignment: number;
  /** Given, not to be chosen. */
  readonly offset?: number;
  readonly gaps: readonly Gap[];
}

export interface CsvTable {
  /** As they stand in the file. */
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly buffers: readonly CsvBuffer[];
  /** Where the buffers stand in the file. */
  readonly lines: readonly number[];
}

/** The names that MinimAlloc reads, and those of its older files (`end` is inclusive there). */
const MEANING: Readonly<Record<string, string>> = {
  id: 'id',
  buffer: 'id',
  buffer_id: 'id',
  lower: 'lower',
  start: 'lower',
  begin: 'lower',
  upper: 'upper',
  end: 'end',
  size: 'size',
  alignment: 'alignment',
  offset: 'offset',
  gaps: 'gaps',
  hint: 'hint',
};

/** Reads MinimAlloc's CSV (github.com/google/minimalloc, src/converter.cc). Errors name the file, the line and the column. */
export function readCsv(text: string, path: string): CsvTable {
  const records = split(text, path);
  if (records.length === 0) throw badInput(`${path}: the file is empty; its first line must name the columns id, lower, upper, size`);
  const [{ record: header }, ...lines] = records;
  const columns = columnsOf(header, path);
  const ids = new Map<string, number>();
  const buffers = lines.map(({ record, line }) => {
    const cells = new Cells(record, columns, `${path}:${line}`);
    const buffer = readBuffer(cells);
    const before = ids.get(buffer.id);
    if (before !== undefined) throw cells.bad('id', `"${buffer.id}" stands in line ${before} too`);
    ids.set(buffer.id, line);
    return buffer;
  });
  const table = { header, rows: lines.map(({ record }) => record), buffers, lines: lines.map(({ line }) => line) };
  checkSum(table, path);
  checkGiven(table, path);
  return table;
}

/** Heights are sums of sizes: all must be exact. */
function checkSum({ buffers, lines }: CsvTable, path: string): void {
  let sum = 0;
  buffers.forEach(({ size, offset = 0, alignment }, k) => {
    sum += size + alignment + offset;
    if (!Number.isSafeInteger(sum)) throw badInput(`${path}:${lines[k]}: size: up to here the sizes add up to more than 2^53 bytes`);
  });
}

/** Given offsets must leave each its place. */
function checkGiven({ buffers, lines }: CsvTable, path: string): void {
  const given = buffers.flatMap((buffer, k) => {
    const { offset } = buffer;
    return offset === undefined ? [] : piecesOf(buffer).map((piece) => ({ ...piece, k, from: offset + piece.from, to: offset + piece.to }));
  });
  const clash = clashOf({
    lower: given.map(({ lower }) => lower),
    upper: given.map(({ upper }) => upper),
    from: given.map(({ from }) => from),
    to: given.map(({ to }) => to),
  });
  if (!clash) return;
  const [a, b] = clash.map((at) => given[at]).sort((one, other) => one.k - other.k);
  const time = Math.max(a.lower, b.lower);
  const told = `"${buffers[b.k].id}" at [${b.from}, ${b.to}) overlaps "${buffers[a.k].id}" of line ${lines[a.k]} at [${a.from}, ${a.to})`;
  throw badInput(`${path}:${lines[b.k]}: offset: ${told}; both live at time ${time}`);
}

interface Line {
  readonly record: string[];
  readonly line: number;
}

function split(text: string, path: string): Line[] {
  if (!text.includes('"')) return splitPlain(text, path);
  try {
    const parsed: unknown = parse(text, { bom: true, trim: true, info: true, skip_empty_lines: true });
    return (parsed as { record: string[]; info: { lines: number } }[]).map(({ record, info }) => ({ record, line: info.lines }));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw badInput(`${path}:${Number(error['lines'] ?? 1)}: ${error.message}`, error);
  }
}

/** The same without quotes: a tenth of the time, which counts with 10⁶ lines. */
function splitPlain(text: string, path: string): Line[] {
  const found: Line[] = [];
  text.split(/\r\n|\n|\r/).forEach((content, k) => {
    const record = content.split(',').map((cell) => cell.trim());
    if (record.length === 1 && record[0] === '') return;
    const columns = found[0]?.record.length ?? record.length;
    if (record.length !== columns)
      throw badInput(`${path}:${k + 1}: Invalid Record Length: ${columns} columns are named, but the line has ${record.length}`);
    found.push({ record, line: k + 1 });
  });
  return found;
}

function columnsOf(header: readonly string[], path: string): ReadonlyMap<string, number> {
  const columns = new Map<string, number>();
  header.forEach((name, i) => {
    const meaning = MEANING[name.toLowerCase()];
    if (!meaning) {
      const near = nearest(name, Object.keys(MEANING));
      const known = 'id, lower, upper, size, alignment, offset, gaps, hint';
      throw badInput(`${path}:1: unknown column "${name}"${near ? `; did you mean "${near}"?` : ''} (columns: ${known})`);
    }
    if (columns.has(meaning)) throw badInput(`${path}:1: two columns mean ${meaning}`);
    columns.set(meaning, i);
  });
  for (const name of ['id', 'lower', 'size']) if (!columns.has(name)) throw badInput(`${path}:1: the column ${name} is missing`);
  if (columns.has('upper') === columns.has('end')) {
    throw badInput(`${path}:1: ${columns.has('upper') ? 'both upper and end are given' : 'the column upper is missing'}`);
  }
  return columns;
}

/** The cells of one line, by meaning. */
class Cells {
  constructor(
    private readonly record: readonly string[],
    private readonly columns: ReadonlyMap<string, number>,
    private readonly place: string,
  ) {}

  text(column: string): string | undefined {
    const at = this.columns.get(column);
    return at === undefined ? undefined : this.record[at];
  }

  whole(column: string, least: number, text = this.text(column) ?? ''): number {
    const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value)) throw this.bad(column, `"${text}" is not a whole number`);
    if (value < least) throw this.bad(column, `${value} is less than ${least}`);
    return value;
  }

  bad(column: string, what: string): Error {
    return badInput(`${this.place}: ${column}: ${what}`);
  }
}

function readBuffer(cells: Cells): CsvBuffer {
  const id = cells.text('id') ?? '';
  if (id === '') throw cells.bad('id', 'is empty');
  const lower = cells.whole('lower', Number.MIN_SAFE_INTEGER);
  const inclusive = cells.text('end') !== undefined;
  const upper = inclusive ? cells.whole('end', Number.MIN_SAFE_INTEGER) + 1 : cells.whole('upper', Number.MIN_SAFE_INTEGER);
  if (upper <= lower) throw cells.bad(inclusive ? 'end' : 'upper', `the buffer ends at ${upper}, not after its start at ${lower}`);
  const size = cells.whole('size', 1);
  const alignment = cells.text('alignment') ? cells.whole('alignment', 1) : 1;
  // A negative offset means none, as MinimAlloc's hint has it.
  const given = cells.text('offset') ? cells.whole('offset', -1) : -1;
  if (given >= 0 && given % alignment !== 0) throw cells.bad('offset', `${given} is no multiple of the alignment ${alignment}`);
  const gaps = readGaps(cells, lower, upper, size, inclusive ? 1 : 0);
  return { id, lower, upper, size, alignment, gaps, ...(given >= 0 ? { offset: given } : {}) };
}

/** `7-9 12-14@0:64`: nothing held in [7, 9), only bytes 0 to 64 in [12, 14). */
function readGaps(cells: Cells, lower: number, upper: number, size: number, addend: number): Gap[] {
  const gaps = (cells.text('gaps') ?? '')
    .split(' ')
    .filter((part) => part !== '')
    .map((part) => {
      const match = /^(\d+)-(\d+)(?:@(\d+):(\d+))?$/.exec(part);
      if (!match) throw cells.bad('gaps', `"${part}" is not of the form LOWER-UPPER or LOWER-UPPER@FIRST:END`);
      const gap = { lower: Number(match[1]), upper: Number(match[2]) + addend };
      if (gap.upper <= gap.lower || gap.lower < lower || gap.upper > upper)
        throw cells.bad('gaps', `"${part}" is empty or outside the buffer's life`);
      if (match[3] === undefined) return gap;
      const window = [Number(match[3]), Number(match[4])] as const;
      if (window[1] <= window[0] || window[1] > size) throw cells.bad('gaps', `"${part}" has a window outside the buffer`);
      return { ...gap, window };
    })
    .sort((a, b) => a.lower - b.lower);
  for (let i = 1; i < gaps.length; i++) if (gaps[i].lower < gaps[i - 1].upper) throw cells.bad('gaps', 'two gaps overlap');
  return gaps;
}
