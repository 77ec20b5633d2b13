import { cutsOfOrder } from './cuts.js';
import { peakOfProblem } from './downset.js';
import { floorOf, liveBefore } from './floor.js';
import type { LeastPeak } from './least-peak.js';
import { type Problem, placesOf, Stretches, touchersOf } from './problem.js';

export interface Solved {
  readonly order: Int32Array;
  readonly peak: number;
  /** No order holds fewer bytes at its peak. */
  readonly bound: number;
}

interface Part {
  readonly first: number;
  readonly problem: Problem;
  peak: number;
  bound: number;
  searched: boolean;
}

/** Looks for an order of a stretch whose peak is below `limit`; nothing is gained below `floor`, which is a bound elsewhere. */
export type Search = (stretch: Problem, limit: number, floor: number) => LeastPeak;

/**
 * Lowers the peak of an order by searching stretches of it. The order is cut where every order must pass; the
 * stretch of the highest peak is searched first, and all ends when a stretch is the highest that is proved to be lowest.
 */
export function solveByParts(problem: Problem, start: Int32Array, search: Search): Solved {
  const { arcs, model } = problem;
  const place = placesOf(start);
  const live = liveBefore(problem, start);
  const stretches = new Stretches(arcs, model, touchersOf(model));
  const cuts = cutsOfOrder(arcs, start, place);
  const parts: Part[] = [];
  for (let k = 0; k + 1 < cuts.length; k++) {
    const part = stretches.cut(start, place, cuts[k], cuts[k + 1], live[cuts[k]]);
    const peak = peakOfProblem(
      part,
      Array.from({ length: part.arcs.tasks }, (_, t) => t),
    );
    parts.push({ first: cuts[k], problem: part, peak, bound: 0, searched: false });
  }
  const order = start.slice();
  // No lower than what is live at the cuts, nor than the parts' own floors, which are worked out where they can matter.
  let bound = 0;
  for (;;) {
    const worst = parts.reduce<Part | undefined>((most, part) => (!most || part.peak > most.peak ? part : most), undefined);
    if (!worst || worst.peak <= bound) break;
    if (worst.searched) break;
    worst.searched = true;
    worst.bound = Math.min(worst.peak, floorOf(worst.problem));
    bound = Math.max(bound, worst.bound);
    if (worst.bound < worst.peak) {
      // What is below the bound of another part gains nothing.
      const found = search(worst.problem, worst.peak, bound);
      worst.bound = found.bound;
      if (found.order) {
        worst.peak = found.peak;
        found.order.forEach((t, k) => {
          order[worst.first + k] = start[worst.first + t];
        });
      }
      bound = Math.max(bound, found.bound);
    }
  }
  const peak = parts.reduce((most, part) => Math.max(most, part.peak), 0);
  return { order, peak, bound: Math.min(bound, peak) };
}
