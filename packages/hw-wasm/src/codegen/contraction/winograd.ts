/** Outputs of one short convolution, and columns that it reads and multiplies: F(4, 3). */
export const OUTPUTS = 4;
export const COLUMNS = 6;

/** Short convolutions of one row that are multiplied together. */
export const TILES = [4, 2, 1] as const;

/** A window of three columns that slides along a row of points, column by column. */
export interface Short {
  /** Reduction dimension of the window's columns, and the tensor dimension along which they lie. */
  readonly column: number;
  readonly tensorDimension: number;
  /** The column that point 0 reads first. */
  readonly start: number;
  /** The other reduction dimensions but the innermost: the window's rows, whose products are summed as they are. */
  readonly rows: readonly number[];
  /** Rows that are transformed as columns are: F(4×4, 3×3). Then `rows` has no other that is longer than 1. */
  readonly tall?: Tall;
}

/** A window of three rows that slides down, row by row. */
export interface Tall {
  /** Reduction dimension of the window's rows, and the pixel dimension of the points' rows. */
  readonly window: number;
  readonly along: number;
  /** The row that point 0 reads first, and behind the last one that any point reads. */
  readonly start: number;
  readonly end: number;
}
