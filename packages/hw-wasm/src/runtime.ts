/**
 * What it takes to run a compiled plan, without the compiler: the entry point `@regrain/hw-wasm/runtime` for browsers and small bundles.
 */
import { openFiles, type PlanFiles } from './artifact.js';
import type { SessionOptions, WasmSession } from './session.js';
import type { ThreadedSession } from './threads.js';

export type { PlanFiles } from './artifact.js';
export { type SessionOptions, WasmSession } from './session.js';

/** A session from the files of a folder that `compile --target wasm --out` wrote; the module's files must be among them. */
export function load(files: PlanFiles, options: SessionOptions = {}): Promise<WasmSession | ThreadedSession> {
  return openFiles(files, options);
}
