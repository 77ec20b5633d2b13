export * from './pairwise.js';
export * from './plugin.js';
export * from './region-graph.js';
export * from './region-index.js';
