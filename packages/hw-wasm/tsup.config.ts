import { defineConfig } from 'tsup';
import { base } from '../../tsup.base.js';

// The worker is a file of its own: threads start from it.
export default defineConfig({ ...base, entry: ['src/index.ts', 'src/runtime.ts', 'src/worker.ts'] });
