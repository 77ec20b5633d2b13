import { definePlugin, Scheduler } from '@regrain/core-ir';
import { DeepestFirst, deepestFirstOptions } from './deepest-first.js';

export const plugin = definePlugin({
  name: 'my-scheduler',
  version: '1.0.0',
  bindings: [
    {
      point: Scheduler,
      id: 'deepest-first',
      description: 'always the ready task of the operation furthest down the program',
      use: DeepestFirst,
      options: deepestFirstOptions,
    },
  ],
});
