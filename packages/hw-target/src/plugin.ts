import { definePlugin, noOptions, Reporter } from '@regrain/core-ir';
import { describedContribution } from './described-target.js';
import { cortexM7F746 } from './machines/cortex-m7-f746.js';
import { cpu } from './machines/cpu.js';
import { ethosU55x128 } from './machines/ethos-u55-128.js';
import { npu2Engine } from './machines/npu-2engine.js';
import { PerfettoReporter } from './perfetto.js';

export const plugin = definePlugin({
  name: '@regrain/hw-target',
  version: '0.1.0',
  bindings: [
    describedContribution(cortexM7F746),
    describedContribution(cpu),
    describedContribution(ethosU55x128),
    describedContribution(npu2Engine),
    {
      point: Reporter,
      id: 'perfetto',
      description: 'trace.json for ui.perfetto.dev: a track per engine, live bytes per space',
      use: PerfettoReporter,
      options: noOptions,
    },
  ],
});
