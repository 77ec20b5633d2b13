import { type AnalysisOptions, type Decomposition, type DependenceAnalyzer, type Dependences, noOptions } from '@regrain/core-ir';
import { injectable } from 'inversify';
import { analyzeWith, around } from './analyze.js';
import { BinCells } from './bin-cells.js';

export const pairwiseOptions = noOptions;

/** Compares every access with every fragment of its tensor. Quadratic: for small works, and to hold others against. */
@injectable()
export class PairwiseAnalyzer implements DependenceAnalyzer {
  analyze(work: Decomposition, options: AnalysisOptions): Dependences {
    return analyzeWith(work, options, (boxes) => {
      const whole = around(boxes);
      return new BinCells(
        whole,
        whole.map(([lo, hi]) => hi - lo),
      );
    });
  }
}
