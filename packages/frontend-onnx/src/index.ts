export * from './onnx.js';
export * from './operators/index.js';
export * from './plugin.js';
