export * from './access-pattern.js';
export * from './bands.js';
export * from './plugin.js';
export * from './search.js';
export * from './stream-axis.js';
export * from './uniform.js';
export * from './whole-tensor.js';
