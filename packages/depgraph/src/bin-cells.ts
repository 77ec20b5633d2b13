import { type Box, contains, intersect, overlaps, subtract, volume } from '@regrain/core-ir';
import { type Cell, type Cells, UNTOUCHED } from './cell.js';

/** Cells that are split as accesses ask for it, found through a grid of bins about as large as an access. */
export class BinCells implements Cells {
  private readonly bins: (Cell[] | undefined)[];
  private readonly counts: number[];
  private readonly sides: number[];

  /** `whole` bounds all accesses; `sides` are the bins' sides. */
  constructor(
    private readonly whole: Box,
    sides: readonly number[],
  ) {
    this.sides = sides.map((side) => Math.max(1, Math.ceil(side)));
    this.counts = whole.map(([lo, hi], d) => Math.max(1, Math.ceil((hi - lo) / this.sides[d])));
    this.bins = new Array(this.counts.reduce((product, count) => product * count, 1));
  }

  cut(box: Box, visit: (cell: Cell) => void): void {
    this.eachBin(box, (cells) => {
      const count = cells.length; // parts that are split off lie outside of the box
      for (let k = 0; k < count; k++) {
        const cell = cells[k];
        const common = intersect(cell.box, box);
        if (!common) continue;
        if (!contains(box, cell.box)) {
          for (const part of subtract(cell.box, common)) cells.push({ ...cell, box: part, volume: volume(part) });
          cell.box = common;
          cell.volume = volume(common);
        }
        visit(cell);
      }
    });
  }

  join(box: Box): void {
    this.eachBin(box, (cells, own) => {
      const common = intersect(own, box) as Box;
      // Another write of the same task may have joined beyond this box; all of it is theirs, so it stays as it is.
      if (cells.some((cell) => overlaps(cell.box, common) && !contains(common, cell.box))) return;
      let kept = 0;
      let joined: Cell | undefined;
      for (const cell of cells) {
        if (!overlaps(cell.box, common)) cells[kept++] = cell;
        else if (!joined) {
          joined = cell;
          cells[kept++] = cell;
        }
      }
      cells.length = kept;
      if (joined) {
        joined.box = common;
        joined.volume = volume(common);
      }
    });
  }

  private eachBin(box: Box, visit: (cells: Cell[], own: Box) => void): void {
    const walk = (d: number, index: number, own: (readonly [number, number])[]): void => {
      if (d === box.length) {
        let cells = this.bins[index];
        if (!cells) {
          cells = [{ box: own.slice(), volume: volume(own), last: UNTOUCHED, task: -1, touch: 0 }];
          this.bins[index] = cells;
        }
        visit(cells, own);
        return;
      }
      const [start, end] = this.whole[d];
      const side = this.sides[d];
      for (let k = Math.floor((box[d][0] - start) / side); k < this.counts[d] && start + k * side < box[d][1]; k++) {
        own[d] = [start + k * side, Math.min(end, start + (k + 1) * side)];
        walk(d + 1, index * this.counts[d] + k, own);
      }
    };
    walk(0, 0, []);
  }
}
