import type { Box } from '@regrain/core-ir';

/** A list that shares its tail: adding is O(1), and cells that were one share what they had. */
export interface Tasks {
  readonly task: number;
  readonly next: Tasks | undefined;
}

/** Who touched all elements of a cell last; immutable, so that the parts of a split cell share it. */
export interface Last {
  /** The last writer, or the accumulations since then that may change places. */
  readonly writers: Tasks | undefined;
  readonly commuting: boolean;
  /** Readers since the last write. */
  readonly readers: Tasks | undefined;
  /** What the first of a group of accumulations waited for: its writers and its readers. */
  readonly beforeWriters: Tasks | undefined;
  readonly beforeReaders: Tasks | undefined;
}

export const UNTOUCHED: Last = {
  writers: undefined,
  commuting: false,
  readers: undefined,
  beforeWriters: undefined,
  beforeReaders: undefined,
};

/** Elements with one history. `task` and `touch` say how the task at work touches it. */
export interface Cell {
  box: Box;
  volume: number;
  last: Last;
  task: number;
  touch: number;
}

export const READ = 1;
export const WRITE = 2;
/** Touched other than by an accumulate. */
export const PLAIN = 4;

/** The cells of one instance: always disjoint, together all elements that were ever asked for. */
export interface Cells {
  /** Calls `visit` with cells that make up `box` exactly; cells that straddle its border are split. */
  cut(box: Box, visit: (cell: Cell) => void): void;
  /** All cells in `box` have the same history now and may become one (per bin). */
  join(box: Box): void;
}
