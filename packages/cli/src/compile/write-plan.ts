import { Reporter, serializePlan } from '@regrain/core-ir';
import { type Content, writeFolder } from '../output/write-folder.js';
import type { CompiledFile } from './compile-file.js';

/** plan.json, plan.bin (the constants) and what the reporters make of the plan: all of them, or nothing. */
export async function writePlan(folder: string, { result, session }: CompiledFile): Promise<void> {
  const files = new Map<string, Content>([
    ['plan.json', serializePlan(result.plan)],
    ['plan.bin', result.loaded.constants],
  ]);
  for (const { id } of session.contributions(Reporter)) {
    for (const [name, content] of await session.make(Reporter, id).report(result.plan, result.seen)) files.set(name, content);
  }
  writeFolder(folder, files);
}
