/**
 * What it takes to run a compiled plan, without the compiler: the entry point `@regrain/hw-wasm/runtime` for browsers and small bundles.
 */
import { openFiles, type PlanFiles } from './artifact.js';
import type { PlanSession } from './plan-session.js';
import type { SessionOptions } from './session.js';

export { memoryBytesOf, type PlanFiles } from './artifact.js';
export type { Elements, Given, Inputs, Into } from './given.js';
export type { PlanSession } from './plan-session.js';
export { type SessionOptions, WasmSession } from './session.js';
export { ThreadedSession } from './threads.js';
export { hasRelaxedSimd } from './web-assembly.js';

/** A session from the files of a folder that `compile --target wasm --out` wrote; the module's files must be among them. */
export function load(files: PlanFiles, options: SessionOptions = {}): Promise<PlanSession> {
  return openFiles(files, options);
}
