/**
 * The part of the kernel that running a plan takes: types, errors, meanings of operations, plans that are known by their hash. It needs
 * no schemas and no injection, and so imports no library: the entry point `@regrain/core-ir/runtime`.
 */
export * from './errors.js';
export { READS, touchedRegions, WRITES } from './expand/touches.js';
export type * from './extension-points/operator-set.js';
export * from './ir/index.js';
export { checkConstants, sha256Of } from './plan/constants.js';
export { planJsonOf, readKnownPlan } from './plan/of-json.js';
export * from './semantics/index.js';
