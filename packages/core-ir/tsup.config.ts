import { defineConfig } from 'tsup';
import { base } from '../../tsup.base.js';

// Both entries share their chunks, so that there is one class of each error.
export default defineConfig({ ...base, entry: ['src/index.ts', 'src/runtime.ts'] });
