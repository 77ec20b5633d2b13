import { openFiles, type PlanFiles } from './artifact.js';
import { emitWasm } from './emit.js';
import type { SessionOptions, WasmSession } from './session.js';
import type { ThreadedSession } from './threads.js';

/** A session from a plan's files; the module is made first where its files are absent. */
export function load(files: PlanFiles, options: SessionOptions = {}): Promise<WasmSession | ThreadedSession> {
  return openFiles(files, options, (plan, constants) => emitWasm(plan, constants));
}
