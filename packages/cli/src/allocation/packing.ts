import type { Buffer, Packing } from '@regrain/core-ir';
import type { CsvBuffer } from './read-csv.js';

export interface CsvPacking {
  readonly packing: Packing;
  /** Per row of the file: the buffer that has its offset; -1 for rows of no bytes. */
  readonly carrier: Int32Array;
  /** Times of the packing are positions in this list. */
  readonly times: readonly number[];
  /** The most bytes that are live at once: no packing is lower. */
  readonly loadBound: number;
}

interface Piece {
  readonly lower: number;
  readonly upper: number;
  readonly from: number;
  readonly to: number;
}

/**
 * The rows as a packing over compressed times. A buffer with gaps becomes several, one per span in which it holds the same bytes, all
 * tied to the first.
 */
export function packingOf(rows: readonly CsvBuffer[], capacity: number): CsvPacking {
  const pieces = rows.map(piecesOf);
  const times = [...new Set(pieces.flat().flatMap(({ lower, upper }) => [lower, upper]))].sort((a, b) => a - b);
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
  return { packing: { capacity, buffers, near: [] }, carrier, times, loadBound: loadOf(pieces.flat()) };
}

/** What a buffer holds, span by span; spans that start at its first byte come first. */
function piecesOf({ lower, upper, size, gaps }: CsvBuffer): Piece[] {
  const pieces: Piece[] = [];
  let at = lower;
  for (const gap of gaps) {
    if (gap.lower > at) pieces.push({ lower: at, upper: gap.lower, from: 0, to: size });
    if (gap.window) pieces.push({ lower: gap.lower, upper: gap.upper, from: gap.window[0], to: gap.window[1] });
    at = gap.upper;
  }
  if (at < upper) pieces.push({ lower: at, upper, from: 0, to: size });
  return pieces.filter(({ from, to }) => to > from).sort((a, b) => a.from - b.from);
}

function loadOf(pieces: readonly Piece[]): number {
  const change = new Map<number, number>();
  for (const { lower, upper, from, to } of pieces) {
    change.set(lower, (change.get(lower) ?? 0) + to - from);
    change.set(upper, (change.get(upper) ?? 0) - (to - from));
  }
  let live = 0;
  let most = 0;
  for (const time of [...change.keys()].sort((a, b) => a - b)) most = Math.max(most, (live += change.get(time)!));
  return most;
}

/** Offsets of the rows from those of the packing's buffers; rows of no bytes lie at 0, or where the file puts them. */
export function rowOffsets(rows: readonly CsvBuffer[], { carrier }: CsvPacking, offsets: ArrayLike<number>): number[] {
  return rows.map((row, r) => row.offset ?? (carrier[r] < 0 ? 0 : offsets[carrier[r]]));
}

/** The first pair of buffers that live and lie in the same place, or a buffer that sticks out; undefined where all is well. */
export function faultOf({ packing }: CsvPacking, offsets: ArrayLike<number>): string | undefined {
  const { buffers, capacity } = packing;
  const order = buffers.map((_, i) => i).sort((a, b) => buffers[a].first - buffers[b].first);
  let active: number[] = [];
  for (const b of order) {
    const { first, bytes, align } = buffers[b];
    if (offsets[b] < 0 || offsets[b] % align !== 0) return `buffer ${b} at ${offsets[b]} is not aligned to ${align}`;
    if (offsets[b] + bytes > capacity) return `buffer ${b} ends at ${offsets[b] + bytes}, beyond ${capacity}`;
    active = active.filter((a) => buffers[a].last >= first);
    const clash = active.find((a) => offsets[a] < offsets[b] + bytes && offsets[b] < offsets[a] + buffers[a].bytes);
    if (clash !== undefined) return `buffers ${clash} and ${b} overlap`;
    active.push(b);
  }
  return undefined;
}
