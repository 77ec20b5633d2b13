import { parsePlan } from '@regrain/core-ir';
import { openFiles, type PlanFiles } from './artifact.js';
import { emitWasm } from './emit.js';
import type { PlanSession } from './plan-session.js';
import type { SessionOptions } from './session.js';

/** A session from a plan's files; the module is made first where its files are absent. */
export function load(files: PlanFiles, options: SessionOptions = {}): Promise<PlanSession> {
  return openFiles(files, options, { parse: parsePlan, emit: (plan, constants) => emitWasm(plan, constants) });
}
