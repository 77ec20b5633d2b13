import type { Constraint, Context, Machine, Metrics } from '@regrain/core-ir';
import { testMachine } from '../run/simple-plan.js';

/** What a stage is given in a conformance test: the test machine, seeded randomness, an objective of peak bytes. */
export function testContext(
  options: { readonly machine?: Machine; readonly constraints?: readonly Constraint[]; readonly seed?: number } = {},
): Context {
  let state = (options.seed ?? 1) >>> 0;
  return {
    machine: options.machine ?? testMachine,
    constraints: options.constraints ?? [],
    objective: { score: ({ peakBytes }: Metrics) => peakBytes.reduce((sum, bytes) => sum + bytes, 0) },
    // Mulberry32.
    random: () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let t = state;
      t = Math.imul(t ^ (t >>> 15), t | 1);
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
      return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    },
    signal: new AbortController().signal,
    progress: () => {},
  };
}
