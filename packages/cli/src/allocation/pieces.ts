import type { CsvBuffer } from './read-csv.js';

/** Bytes `from` to `to` of a buffer, held in the times [lower, upper). */
export interface Piece {
  readonly lower: number;
  readonly upper: number;
  readonly from: number;
  readonly to: number;
}

/** What a buffer holds, span by span; spans that start at its first byte come first. */
export function piecesOf({ lower, upper, size, gaps }: CsvBuffer): Piece[] {
  if (gaps.length === 0) return [{ lower, upper, from: 0, to: size }];
  const pieces: Piece[] = [];
  let at = lower;
  for (const gap of gaps) {
    if (gap.lower > at) pieces.push({ lower: at, upper: gap.lower, from: 0, to: size });
    if (gap.window) pieces.push({ lower: gap.lower, upper: gap.upper, from: gap.window[0], to: gap.window[1] });
    at = gap.upper;
  }
  if (at < upper) pieces.push({ lower: at, upper, from: 0, to: size });
  return pieces.sort((a, b) => a.from - b.from);
}
