import { defineConfig } from 'tsup';
import { base } from '../../tsup.base.js';

/** The kits need fast-check (and conformance vitest), so they are entries of their own: the verifier's does not load them. */
export default defineConfig({
  ...base,
  external: ['vitest'],
  entry: { index: 'src/index.ts', 'arbitraries/index': 'src/arbitraries/index.ts', 'conformance/index': 'src/conformance/index.ts' },
});
