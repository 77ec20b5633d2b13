import type { Options } from 'tsup';

/** The build that every package shares: one ESM bundle of its own sources with types; dependencies stay imports. */
export const base: Options = {
  entry: ['src/index.ts'],
  format: ['esm'],
  target: 'node20',
  sourcemap: true,
  clean: true,
  // Bundlers for browsers tell Node's modules by their protocol.
  removeNodeProtocol: false,
  dts: { compilerOptions: { ignoreDeprecations: '6.0', customConditions: [] } },
};
