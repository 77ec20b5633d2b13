export * from './interpret.js';
export type { Phase } from './kernel.js';
export * from './scalar-functions.js';
export * from './values.js';
