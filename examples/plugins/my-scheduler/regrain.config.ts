import { defineConfig } from '@regrain/core-ir';
import { plugin } from './plugin.js';

export default defineConfig({
  plugins: [plugin],
  pipeline: { schedule: ['deepest-first', 'min-peak'] },
});
