export { bruteForceDependences } from './brute/dependences.js';
export { bruteForceVerify } from './brute/verify.js';
export { plugin } from './plugin.js';
export { type RunOptions, runDecomposition } from './run/run-decomposition.js';
export { type SimplePlanOptions, simplePlan, testMachine } from './run/simple-plan.js';
export { ShadowVerifier } from './verify/shadow.js';
export { verify } from './verify/verify.js';
