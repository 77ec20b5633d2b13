import { defineConfig } from 'tsup';
import { base } from '../../tsup.base.js';

export default defineConfig({
  ...base,
  // The worker is a file of its own: threads start from it.
  entry: ['src/index.ts', 'src/regrain.ts', 'src/worker.ts'],
  dts: { ...(base.dts as object), entry: 'src/index.ts' },
});
