export * from './memory.js';
export * from './network-builder.js';
export * from './networks.js';
export * from './onnx-runtime.js';
export * from './suite.js';
export * from './suites.js';
