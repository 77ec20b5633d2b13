import { type AnalysisOptions, type Box, type Decomposition, type DependenceAnalyzer, type Dependences, noOptions } from '@regrain/core-ir';
import { injectable } from 'inversify';
import { analyzeWith, around } from './analyze.js';
import { BinCells } from './bin-cells.js';
import type { Cells } from './cell.js';
import { GridCells, positionOf } from './grid-cells.js';
import { WrittenOnce } from './written-once.js';

export const regionIndexOptions = noOptions;

/** Cells that an access may touch on average before bins are better; whole-tensor reads of a banded tensor stay below it. */
const CELLS_PER_ACCESS = 64;
const FEW_CELLS = 1 << 16;

/**
 * Exact and near-linear on regular access patterns. Per tensor: if the cuts of all accesses, compressed per axis, make few cells per
 * access, these atoms are the units (tiles, bands and their halos); otherwise bins about as large as the mean access hold cells that
 * are split on demand and joined by writes. What is written once, and read afterwards, needs neither. A write kills what it covers, as in ray casting (Legion: Bauer et al., PPoPP 2023).
 */
@injectable()
export class RegionIndexAnalyzer implements DependenceAnalyzer {
  analyze(work: Decomposition, options: AnalysisOptions): Dependences {
    // Widened accesses, and counted elements, need the cells.
    const once = options.snap || options.elements ? undefined : new WrittenOnce(work);
    return analyzeWith(work, options, cellsFor, once);
  }
}

function cellsFor(boxes: readonly Box[], accesses: number): Cells {
  const whole = around(boxes);
  const cuts = whole.map((_, d) => Float64Array.from(new Set(boxes.flatMap((box) => [box[d][0], box[d][1]]))).sort());
  const grid = cuts.reduce((product, axis) => product * Math.max(1, axis.length - 1), 1);
  if (grid <= FEW_CELLS + 8 * accesses && visits(boxes, cuts) <= CELLS_PER_ACCESS * boxes.length + FEW_CELLS) return new GridCells(cuts);
  const bins = Math.max(1, 4 * accesses);
  const sides = whole.map((_, d) => boxes.reduce((sum, box) => sum + box[d][1] - box[d][0], 0) / boxes.length);
  const made = whole.reduce((product, [lo, hi], d) => product * Math.ceil((hi - lo) / Math.max(1, sides[d])), 1);
  const stretch = made > bins ? (made / bins) ** (1 / whole.length) : 1;
  return new BinCells(
    whole,
    sides.map((side) => side * stretch),
  );
}

/** Cells that the boxes cover, all together. */
function visits(boxes: readonly Box[], cuts: readonly Float64Array[]): number {
  let cells = 0;
  for (const box of boxes) {
    let own = 1;
    for (let d = 0; d < box.length; d++) own *= positionOf(cuts[d], box[d][1]) - positionOf(cuts[d], box[d][0]);
    cells += own;
  }
  return cells;
}
