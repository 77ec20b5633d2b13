export { grains, partitions } from './grains.js';
export { packings } from './packings.js';
export { type Example, examples, programs } from './programs.js';
export { boxesIn, traces, traceWork } from './traces.js';
