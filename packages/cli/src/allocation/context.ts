import { type Context, seeded } from '@regrain/core-ir';
import type { Terminal } from '../output/terminal.js';

/** What an allocator is given where there is no machine and no program, only a packing. */
export function packingContext(seed: number, terminal: Terminal): Context {
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
    progress: (done, of, what) => terminal.progress(`${done} of ${of} ${what}`),
  };
}
