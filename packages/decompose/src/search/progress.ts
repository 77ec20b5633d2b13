/** Rows wanted of a tensor by a band of its readers, relative to the band: from `start` before its first row to `hi` behind its last. */
export interface Reach {
  readonly hi: number;
  readonly start: number;
  readonly band: number;
}

/** Bytes at each moment. */
export type Bytes = readonly number[];

/** While what is made ahead is made, in lengths of the maps; at the first nothing is. */
const AHEAD = [Number.NEGATIVE_INFINITY, -3, -2, -1.5, -1, -0.75, -0.5, -0.25];
/** Steps of the last result. */
const STEPS = 12;

/** Moments at which a segment is looked at, whatever its bands. */
export const MOMENTS = AHEAD.length + STEPS + 1;

/**
 * Progress of a segment at each of its moments, as the share of the last result that is made, between two of its `bands`. Below 0 are
 * moments before its first band, at which tensors that are made ahead are as far as they would be if the last result had begun earlier.
 */
export function momentsOf(bands: number): number[] {
  return [...AHEAD, ...Array.from({ length: STEPS + 1 }, (_, k) => Math.round((k / STEPS) * bands) / bands)];
}

/** Rows that a tensor has got: as large a share as the last result, and those ahead. */
export function linesMade(rows: number, { hi }: Reach, done: number): number {
  return clamped(done * rows + hi, rows);
}

/** Rows that are made and still wanted between two bands: fewer at the edges. */
export function linesHeld(rows: number, { hi, start }: Reach, done: number): number {
  const row = done * rows;
  return Math.max(0, Math.ceil(clamped(row + hi, rows) - clamped(row + start, rows) - 1e-9));
}

/** Rows of a tensor that was there before that are not yet freed: of those that only the band before the moment read, half are. */
export function linesLeft(rows: number, { start, band }: Reach, done: number): number {
  return rows - clamped(done * rows - band / 2 + start, rows);
}

/**
 * Rows that the band before a moment works on: all that it reads, made `again`, or only what none before it needed. 0: all are made.
 * `bands`: of the last result. The first band begins with all that is made ahead.
 */
export function rowsInHand(rows: number, { hi, start, band }: Reach, how: 'again' | 'once', bands: number, done: number): number {
  const row = Math.max(0, done - 1 / bands) * rows;
  const from = row < 1e-9 ? 0 : clamped(row + (how === 'again' ? start : hi), rows);
  return Math.max(0, Math.ceil(clamped(row + band + hi, rows) - from - 1e-9));
}

/** Bytes at each moment: `live` and `own`, which are not written to. */
export function sumOf(live: Bytes, own: Bytes): Bytes {
  const sum: number[] = [];
  for (let k = 0; k < MOMENTS; k++) sum.push(live[k] + own[k]);
  return sum;
}

/** The most of the sums at any moment. */
export function mostOf(live: Bytes, own: Bytes): number {
  let most = 0;
  for (let k = 0; k < MOMENTS; k++) {
    const bytes = live[k] + own[k];
    if (bytes > most) most = bytes;
  }
  return most;
}

function clamped(row: number, rows: number): number {
  return row < 0 ? 0 : row > rows ? rows : row;
}
