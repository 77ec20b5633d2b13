import { defineConfig } from 'tsup';
import { base } from '../../tsup.base.js';

export default defineConfig({
  ...base,
  entry: ['src/index.ts', 'src/regrain.ts'],
  dts: { ...(base.dts as object), entry: 'src/index.ts' },
});
