import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checkConstants, type PlanFault, parsePlan, Verifier } from '@regrain/core-ir';
import { Command } from 'commander';
import { openSession } from '../open-session.js';
import { examples } from '../output/examples.js';
import { EXIT } from '../output/failure.js';
import { printJson } from '../output/json.js';
import { duration, group } from '../output/size.js';
import type { Shell } from '../shell.js';

const SHOWN = 10;

interface Options {
  readonly json?: boolean;
}

export function verifyCommand(shell: Shell): Command {
  return new Command('verify')
    .description('checks a plan against its program, by code that shares nothing with what made it')
    .argument('<plan>', 'a plan.json, or the folder that `compile --out` wrote; a plan.bin beside it is checked too')
    .option('--json', 'print one JSON value')
    .addHelpText('after', examples('regrain verify plan', 'regrain verify plan/plan.json --json'))
    .action(async (path: string, options: Options) => verify(shell, path, options));
}

async function verify(shell: Shell, given: string, options: Options): Promise<void> {
  const { terminal } = shell;
  const path = statSync(given).isDirectory() ? join(given, 'plan.json') : given;
  const plan = parsePlan(readFileSync(path, 'utf8'), path);
  const constants = join(dirname(path), 'plan.bin');
  if (existsSync(constants)) await checkConstants(plan.program, readFileSync(constants), constants);
  const { session } = await openSession(undefined, terminal);
  const began = performance.now();
  const faults: PlanFault[] = session.contributions(Verifier).flatMap(({ id }) => session.make(Verifier, id).verify(plan));
  const elapsedMs = performance.now() - began;
  const counts = { steps: plan.steps.length, regions: plan.decomposition.regions.length, placements: plan.placements.length };
  if (options.json) printJson({ plan: path, ...counts, verified: faults.length === 0, faults, elapsedMs }, terminal);
  else if (faults.length === 0) {
    terminal.out(
      `${path}: verified (${group(counts.steps)} steps, ${group(counts.regions)} regions, ${group(counts.placements)} placements) in ${duration(elapsedMs)}.\n`,
    );
  }
  if (faults.length === 0) return;
  for (const { rule, message } of faults.slice(0, SHOWN)) terminal.note(`regrain: ${path}: ${rule}: ${message}`);
  if (faults.length > SHOWN) terminal.note(`regrain: ${path}: ${faults.length - SHOWN} faults more (--json lists all)`);
  shell.exitCode = EXIT.failed;
}
