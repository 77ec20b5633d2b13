export * from './best-fit.js';
export * from './exact.js';
export * from './first-fit.js';
export * from './furthest-next-use.js';
export * from './greedy-by-size.js';
export * from './hill-climb.js';
export { loadBound } from './load.js';
export * from './one-space.js';
export * from './plugin.js';
