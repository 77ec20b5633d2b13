export * from './half.js';
export * from './interpret.js';
export { compileKernel, type Kernel, type OperandType, type Phase } from './kernel.js';
export { SCALAR_FUNCTIONS } from './scalar-functions.js';
export * from './values.js';
