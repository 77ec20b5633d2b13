export { type PlanFiles, wasmFiles } from './artifact.js';
export { type EmitOptions, emitWasm } from './emit.js';
export { load } from './load.js';
export { plugin } from './plugin.js';
export type * from './program.js';
export { randomInputs, randomValues } from './random-inputs.js';
export { type SessionOptions, WasmSession } from './session.js';
export { evaluatorOf, WasmTarget, wasmMachine } from './target.js';
export { ThreadedSession } from './threads.js';
