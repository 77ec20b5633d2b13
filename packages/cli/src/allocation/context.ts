import { type Context, seeded } from '@regrain/core-ir';

/** What an allocator is given where there is no machine and no program, only a packing. */
export function packingContext(seed: number, progress: Context['progress']): Context {
  return {
    machine: {
      name: 'none',
      spaces: [{ name: 'memory', bytes: Number.POSITIVE_INFINITY, align: 1, counted: true }],
      engines: [],
      home: { input: 0, constant: 0, output: 0 },
      detail: null,
    },
    constraints: [],
    objective: { score: ({ arenaBytes }) => arenaBytes[0] },
    random: seeded(seed),
    signal: new AbortController().signal,
    progress,
  };
}
