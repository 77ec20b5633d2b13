import type { Decomposition, Task } from '../ir/decomposition.js';
import type { Dependences } from '../ir/dependences.js';
import type { Edit } from '../ir/grain.js';
import type { Now } from './context.js';

export interface AnalysisOptions {
  /** Count the shared elements of each edge. */
  readonly elements?: boolean;
  /** Accumulates into the same elements may change places. */
  readonly commute?: boolean;
  /** As a region table sees it: every access widened to the regions it touches. */
  readonly snap?: boolean;
}

/**
 * Finds which tasks must wait for which. Per element: RAW from its last write to each later read; WAR from each read since the last
 * write to the next write; WAW from the last write to the next one only if no read stands between. Reads of a task come before its
 * writes, an accumulate is both, no task depends on itself. Constants are never written, so their reads make no edge.
 */
export interface DependenceAnalyzer {
  analyze(work: Decomposition, options: AnalysisOptions): Now<Dependences>;
  /** The online form. */
  open?(work: Decomposition, options: AnalysisOptions): Tracker;
}
export const DependenceAnalyzer = Symbol.for('regrain.DependenceAnalyzer');

/** Mutable; bounded by what is in flight. Tasks are numbered from 0 in the order in which they are added. */
export interface Tracker {
  /** The earlier tasks, ascending, that the task depends on. */
  add(task: Task): Int32Array;
  retire(task: number): void;
  edit(edit: Edit): void;
}
