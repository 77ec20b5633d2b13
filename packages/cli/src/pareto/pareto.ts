import { join } from 'node:path';
import { HardwareTarget } from '@regrain/core-ir';
import { type CompileFlags, open, optionsOf } from '../compile/compile-file.js';
import { EXIT } from '../output/failure.js';
import { printJson } from '../output/json.js';
import { type Content, writeFolder } from '../output/write-folder.js';
import type { Shell } from '../shell.js';
import { planFront } from './plan-front.js';
import { showFront, summaryOfFront } from './show-front.js';

/** Multiply-accumulates up to which a front goes where the command line does not say. */
const DEFAULT_MAC_FACTOR = 2;
const DEFAULT_POINTS = 12;

export interface ParetoFlags extends CompileFlags {
  readonly out?: string;
  readonly json?: boolean;
  readonly points?: number;
}

/** `compile MODEL --pareto`: prints the front and writes each of its plans to a folder of its own. */
export async function pareto(shell: Shell, path: string, name: string, flags: ParetoFlags): Promise<void> {
  const { terminal } = shell;
  const began = performance.now();
  const { session, file, source } = await open(flags, terminal);
  const loaded = await session.load(path, { dims: flags.dim ?? {}, shapes: flags.shape ?? {} });
  const options = optionsOf(session, file, loaded, flags, terminal);
  const front = await planFront({
    session,
    source,
    loaded,
    options,
    maxMacFactor: flags.maxMacFactor ?? DEFAULT_MAC_FACTOR,
    points: flags.points ?? DEFAULT_POINTS,
    texts: flags.out !== undefined,
    progress: (line) => terminal.progress(line),
  });
  terminal.progress('');
  const target = session.make(HardwareTarget, options.target).machine.name;
  const summary = summaryOfFront(front, { model: name, target, input: options.input, totalMs: performance.now() - began });
  if (flags.out !== undefined) {
    const files = new Map<string, Content>([['front.json', `${JSON.stringify(summary, null, 2)}\n`]]);
    front.points.forEach(({ text = '' }, k) => {
      const { folder } = summary.points[k];
      files.set(join(folder, 'plan.json'), text);
      files.set(join(folder, 'plan.bin'), loaded.constants);
    });
    writeFolder(flags.out, files);
  }
  if (flags.json) printJson(summary, terminal);
  else terminal.out(showFront(summary, terminal));
  if (summary.points.some(({ verified }) => !verified)) shell.exitCode = EXIT.failed;
  else if (flags.out !== undefined) terminal.note(`Wrote ${summary.points.length} plans to ${flags.out}.`);
}
