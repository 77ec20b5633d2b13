// Everything that a config file can say, with the values that hold without one. Copy what you need into the regrain.config.ts of your
// own folder; `regrain` finds it there. `regrain plugins` lists the ids and their options.
import { defineConfig } from '@regrain/core-ir';

export default defineConfig({
  // Beside those that the command brings: what a plugin package exports as `plugin`.
  plugins: [],
  pipeline: {
    // An id, or an id with options; of a list, all run and the best by the objective is kept.
    decompose: ['whole-tensor', { id: 'bands', options: { rows: 1 } }],
    analyze: 'region-index',
    schedule: ['min-peak', 'program-order'],
    move: 'one-space',
    allocate: 'best-fit',
    adjust: 'threshold',
    iterations: 3,
  },
  target: 'cpu',
  objective: 'peak',
  // Also: pin a tensor to a space or an offset, reserve bytes, keep an order, limit recomputation, say how one input is reached.
  constraints: [{ kind: 'mac-factor', max: 2 }],
  // How inputs are counted: resident, streamed or external (docs/accounting.md).
  input: 'streamed',
  seed: 1,
});
