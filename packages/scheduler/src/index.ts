export * from './anneal.js';
export * from './beam.js';
export * from './critical-path.js';
export * from './exact.js';
export * from './locality.js';
export * from './min-peak.js';
export * from './plugin.js';
export * from './program-order.js';
