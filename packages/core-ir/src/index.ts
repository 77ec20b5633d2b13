export * from './errors.js';
export * from './expand/index.js';
export * from './extension-points/index.js';
export * from './ir/index.js';
export * from './plugin/define.js';
export * from './plugin/options.js';
export * from './semantics/index.js';
