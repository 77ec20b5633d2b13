import { type Context, type InputAccess, type Machine, type Program, seeded, withInputs } from '@regrain/core-ir';
import { DEFAULT_SEED } from '../default-pipeline.js';

/** What stages are given where each is called by itself: a fresh context every time, of the same seed. */
export function schedulingContext(program: Program, machine: Machine, input: InputAccess): () => Context {
  const constraints = withInputs(program, [], input);
  return () => ({
    machine,
    constraints,
    objective: { score: ({ peakBytes }) => peakBytes[0] },
    random: seeded(DEFAULT_SEED),
    signal: new AbortController().signal,
    progress: () => {},
  });
}
