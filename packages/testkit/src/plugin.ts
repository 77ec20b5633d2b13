import { definePlugin, noOptions, Verifier } from '@regrain/core-ir';
import { ShadowVerifier } from './verify/shadow.js';

export const plugin = definePlugin({
  name: '@regrain/testkit',
  version: '0.1.0',
  bindings: [
    {
      point: Verifier,
      id: 'shadow',
      description: 'Shadow memory by boxes: values, hazards, overlap, capacity and order of a plan, from the program alone.',
      use: ShadowVerifier,
      options: noOptions,
    },
  ],
});
