import { workMs } from './clock.js';

/** How long one thing takes ÷ another, from runs in turn. */
export interface Compared {
  /** Median of the pairs' ratios. */
  readonly ratio: number;
  /** Where the true median lies with 95 % confidence. */
  readonly low: number;
  readonly high: number;
}

/** A pair takes several runs where one is shorter than this. */
const LEAST_MS = 4;
/** Pairs at least, however long they take. */
const FEWEST = 9;
/** Runs before anything is measured: code is compiled again, faster, in the background while it runs. */
const WARM_MS = 60;
const WARMEST_MS = 2000;
const SETTLED = 0.97;

/** Runs until another batch is hardly faster than the one before, and nothing is compiled beside it any more. */
export function warmUp(run: () => void): void {
  const began = performance.now();
  let before = Number.POSITIVE_INFINITY;
  for (;;) {
    const [work, clock] = [workMs(), performance.now()];
    do run();
    while (performance.now() - clock < WARM_MS);
    const [spent, elapsed] = [workMs() - work, performance.now() - clock];
    // More work than time: other threads of this process compile.
    if ((elapsed > SETTLED * before && spent < 1.1 * elapsed) || performance.now() - began > WARMEST_MS) return;
    before = elapsed;
  }
}

/** Time of the first ÷ time of the second, both warm: at most so many pairs, each beginning with the other one than the last. */
export function compareRuns(first: () => void, second: () => void, pairs: number, budgetMs: number): Compared {
  const began = performance.now();
  const runs = Math.max(1, Math.ceil(LEAST_MS / Math.max(timeOf(second, 1), LEAST_MS / 1000)));
  const ratios: number[] = [];
  while (ratios.length < pairs && (ratios.length < FEWEST || performance.now() - began < budgetMs)) {
    if (ratios.length % 2 === 0) {
      const a = timeOf(first, runs);
      ratios.push(a / timeOf(second, runs));
    } else {
      const b = timeOf(second, runs);
      ratios.push(timeOf(first, runs) / b);
    }
  }
  return compared(ratios);
}

/**
 * The median and its confidence interval by order statistics: how many of n ratios lie below the true median is binomial, so between
 * the ranks (n ∓ 1.96 √n) ÷ 2 it is found in 95 of 100 cases, whatever the noise looks like.
 */
export function compared(ratios: readonly number[]): Compared {
  const sorted = ratios.toSorted((a, b) => a - b);
  const n = sorted.length;
  const rank = Math.max(0, Math.floor((n - 1.96 * Math.sqrt(n)) / 2));
  return { ratio: sorted[n >> 1], low: sorted[rank], high: sorted[n - 1 - rank] };
}

/** Milliseconds of work of a run, the mean of several. */
export function timeOf(run: () => void, runs: number): number {
  const start = workMs();
  for (let k = 0; k < runs; k++) run();
  return (workMs() - start) / runs;
}
