import { type Box, volume } from '@regrain/core-ir';
import { type Cell, type Cells, UNTOUCHED } from './cell.js';

/** Cells between all cuts of an instance's accesses: fixed, so that an access is a range of cells per axis. For instances with few cells per access. */
export class GridCells implements Cells {
  private readonly cells: (Cell | undefined)[];
  private readonly strides: number[];

  /** `cuts`: per axis all bounds of all accesses, ascending. */
  constructor(private readonly cuts: readonly Float64Array[]) {
    this.strides = new Array(cuts.length).fill(1);
    for (let d = cuts.length - 2; d >= 0; d--) this.strides[d] = this.strides[d + 1] * Math.max(1, cuts[d + 1].length - 1);
    this.cells = new Array(cuts.reduce((product, axis) => product * Math.max(1, axis.length - 1), 1));
  }

  cut(box: Box, visit: (cell: Cell) => void): void {
    this.walk(box, 0, 0, visit, []);
  }

  join(): void {}

  private walk(box: Box, d: number, index: number, visit: (cell: Cell) => void, at: number[]): void {
    if (d === box.length) {
      let cell = this.cells[index];
      if (!cell) {
        const own = at.map((k, axis) => [this.cuts[axis][k], this.cuts[axis][k + 1]] as const);
        cell = { box: own, volume: volume(own), last: UNTOUCHED, task: -1, touch: 0 };
        this.cells[index] = cell;
      }
      visit(cell);
      return;
    }
    const axis = this.cuts[d];
    for (let k = positionOf(axis, box[d][0]); k < axis.length - 1 && axis[k] < box[d][1]; k++) {
      at[d] = k;
      this.walk(box, d + 1, index + k * this.strides[d], visit, at);
    }
  }
}

/** Position of a value that is there. */
export function positionOf(sorted: Float64Array, value: number): number {
  let lo = 0;
  let hi = sorted.length;
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (sorted[mid] < value) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}
