import { definePlugin, Frontend } from '@regrain/core-ir';
import { TraceFrontend, traceOptions } from './trace.js';

export const plugin = definePlugin({
  name: '@regrain/frontend-trace',
  version: '0.1.0',
  bindings: [
    {
      point: Frontend,
      id: 'trace',
      description: 'Instruction traces (regrain.trace/1, JSON Lines).',
      use: TraceFrontend,
      options: traceOptions,
    },
  ],
});
