export { FORMAT } from './parse.js';
export * from './plugin.js';
export * from './trace.js';
