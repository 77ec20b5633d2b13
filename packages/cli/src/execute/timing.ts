import type { Values } from '@regrain/core-ir';
import type { PlanSession } from '@regrain/hw-wasm';

/** Timed runs end after so long, if no number of runs was asked for. */
const ENOUGH_MS = 1500;
const RUNS = 20;

/** Milliseconds of runs, sorted. */
export async function measure(once: () => Promise<unknown>, runs: number | undefined): Promise<number[]> {
  const times: number[] = [];
  const began = performance.now();
  while (times.length < (runs ?? RUNS) && (runs !== undefined || times.length === 0 || performance.now() - began < ENOUGH_MS)) {
    const start = performance.now();
    await once();
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b);
}

const PAIRS = 7;

export interface Speedup {
  /** Median over the pairs. */
  readonly ratio: number;
  /** Shortest time ÷ shortest time: what other programs' load hides least. */
  readonly ofBest: number;
}

/** Time of the first ÷ time of the second: runs in turn, after one of each to warm up. */
export async function compare(one: PlanSession, other: PlanSession, inputs: ReadonlyMap<string, Values>): Promise<Speedup> {
  const ratios: number[] = [];
  let [first, second] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let pair = 0; pair <= PAIRS; pair++) {
    const times: number[] = [];
    for (const session of [one, other]) {
      const start = performance.now();
      await session.run(inputs);
      times.push(performance.now() - start);
    }
    if (pair === 0) continue;
    ratios.push(times[0] / times[1]);
    [first, second] = [Math.min(first, times[0]), Math.min(second, times[1])];
  }
  return { ratio: ratios.sort((a, b) => a - b)[ratios.length >> 1], ofBest: first / second };
}
