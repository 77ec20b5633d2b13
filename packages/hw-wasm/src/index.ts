export { type EmitOptions, emitWasm } from './emit.js';
export type * from './program.js';
export { type SessionOptions, WasmSession } from './session.js';
