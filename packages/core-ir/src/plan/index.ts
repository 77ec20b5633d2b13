export * from './constants.js';
export * from './live-profile.js';
export * from './metrics.js';
export { planJsonOf, readKnownPlan } from './of-json.js';
export * from './parse.js';
export * from './reuse-distance.js';
export { planJsonSchema } from './schema.js';
export * from './serialize.js';
