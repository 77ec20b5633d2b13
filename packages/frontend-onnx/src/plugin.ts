import { definePlugin, Frontend, noOptions } from '@regrain/core-ir';
import { OnnxFrontend } from './onnx.js';
import { operatorContributions } from './operators/index.js';

export const plugin = definePlugin({
  name: '@regrain/frontend-onnx',
  version: '0.1.0',
  bindings: [
    { point: Frontend, id: 'onnx', description: 'ONNX models, operator sets 7 to 26.', use: OnnxFrontend, options: noOptions },
    ...operatorContributions,
  ],
});
