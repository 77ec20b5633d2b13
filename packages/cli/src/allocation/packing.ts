import type { Buffer, Packing } from '@regrain/core-ir';
import { clashOf } from './clash.js';
import { type Piece, piecesOf } from './pieces.js';
import type { CsvBuffer } from './read-csv.js';

export interface CsvPacking {
  readonly packing: Packing;
  /** Per row of the file: the buffer that has its offset; -1 for rows of no bytes. */
  readonly carrier: Int32Array;
  /** Times of the packing are positions in this list. */
  readonly times: readonly number[];
  /** The most bytes that are live at once, or the end of the highest given offset: no packing is lower. */
  readonly loadBound: number;
  /** A time at which it takes so much. */
  readonly boundAt: number;
}

/**
 * The rows as a packing over compressed times. A buffer with gaps becomes several, one per span in which it holds the same bytes, all
 * tied to the first.
 */
export function packingOf(rows: readonly CsvBuffer[], capacity: number): CsvPacking {
  const pieces = rows.map(piecesOf);
  const times = timesOf(pieces);
  const position = new Map(times.map((time, i) => [time, i]));
  const buffers: Buffer[] = [];
  const carrier = new Int32Array(rows.length).fill(-1);
  rows.forEach((row, r) => {
    pieces[r].forEach(({ lower, upper, from, to }, i) => {
      // The first has the row's own offset and alignment; where it is only a window, it is widened to the row's start.
      const start = i === 0 ? 0 : from;
      if (i === 0) carrier[r] = buffers.length;
      buffers.push({
        bytes: to - start,
        align: start === 0 ? row.alignment : 1,
        first: position.get(lower)!,
        last: position.get(upper)! - 1,
        ...(row.offset !== undefined ? { fixed: row.offset + start } : {}),
        ...(i > 0 ? { with: { buffer: carrier[r], delta: from } } : {}),
      });
    });
  });
  return { packing: { capacity, buffers, near: [] }, carrier, times, ...boundOf(rows, pieces, position) };
}

/** All times at which something begins or ends. */
function timesOf(pieces: readonly (readonly Piece[])[]): number[] {
  const times = new Set<number>();
  for (const row of pieces) for (const { lower, upper } of row) times.add(lower).add(upper);
  return [...Float64Array.from(times).sort()];
}

/** The most bytes that live at once, and no fewer than what stands at a given offset. */
function boundOf(
  rows: readonly CsvBuffer[],
  pieces: readonly (readonly Piece[])[],
  position: ReadonlyMap<number, number>,
): Pick<CsvPacking, 'loadBound' | 'boundAt'> {
  const change = new Float64Array(position.size);
  let [loadBound, boundAt] = [0, 0];
  pieces.forEach((row, r) => {
    for (const { lower, upper, from, to } of row) {
      change[position.get(lower)!] += to - from;
      change[position.get(upper)!] -= to - from;
      const end = (rows[r].offset ?? -to) + to;
      if (end > loadBound) [loadBound, boundAt] = [end, position.get(lower)!];
    }
  });
  let live = 0;
  change.forEach((bytes, time) => {
    live += bytes;
    if (live > loadBound) [loadBound, boundAt] = [live, time];
  });
  return { loadBound, boundAt };
}

/** Offsets of the rows from those of the packing's buffers; rows of no bytes lie at 0, or where the file puts them. */
export function rowOffsets(rows: readonly CsvBuffer[], { carrier }: CsvPacking, offsets: ArrayLike<number>): number[] {
  return rows.map((row, r) => row.offset ?? (carrier[r] < 0 ? 0 : offsets[carrier[r]]));
}

/** The first pair of buffers that live and lie in the same place, or a buffer that sticks out; undefined where all is well. */
export function faultOf({ packing }: CsvPacking, offsets: ArrayLike<number>): string | undefined {
  const { buffers, capacity } = packing;
  for (const [b, { bytes, align }] of buffers.entries()) {
    if (offsets[b] < 0 || offsets[b] % align !== 0) return `buffer ${b} at ${offsets[b]} is not aligned to ${align}`;
    if (offsets[b] + bytes > capacity) return `buffer ${b} ends at ${offsets[b] + bytes}, beyond ${capacity}`;
  }
  const clash = clashOf({
    lower: buffers.map(({ first }) => first),
    upper: buffers.map(({ last }) => last + 1),
    from: offsets,
    to: buffers.map(({ bytes }, b) => offsets[b] + bytes),
  });
  return clash && `buffers ${clash[0]} and ${clash[1]} overlap`;
}
