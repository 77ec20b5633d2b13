import { definePlugin, HardwareTarget } from '@regrain/core-ir';
import { WasmTarget, wasmOptions } from './target.js';

export const plugin = definePlugin({
  name: '@regrain/hw-wasm',
  version: '0.1.0',
  bindings: [
    {
      point: HardwareTarget,
      id: 'wasm',
      description: 'WebAssembly in this process, in Node or a browser: what `regrain run` runs',
      use: WasmTarget,
      options: wasmOptions,
    },
  ],
});
