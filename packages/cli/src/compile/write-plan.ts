import { HardwareTarget, Reporter, serializePlan } from '@regrain/core-ir';
import { type Content, writeFolder } from '../output/write-folder.js';
import type { CompiledFile } from './compile-file.js';

/** plan.json, plan.bin (the constants), what the target and the reporters make of the plan: all of them, or nothing. */
export async function writePlan(folder: string, { result, session, target }: CompiledFile): Promise<void> {
  const files = new Map<string, Content>([
    ['plan.json', serializePlan(result.plan)],
    ['plan.bin', result.loaded.constants],
  ]);
  const emitted = await session.make(HardwareTarget, target).emit?.(result.plan, result.loaded.constants);
  for (const [name, content] of emitted ?? []) files.set(name, content);
  for (const { id } of session.contributions(Reporter)) {
    for (const [name, content] of await session.make(Reporter, id).report(result.plan, result.seen)) files.set(name, content);
  }
  writeFolder(folder, files);
}
