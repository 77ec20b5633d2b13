import { HardwareTarget, type Machine } from '@regrain/core-ir';
import { Command } from 'commander';
import { openSession } from '../open-session.js';
import { examples } from '../output/examples.js';
import { printJson } from '../output/json.js';
import { size } from '../output/size.js';
import { table } from '../output/table.js';
import type { Shell } from '../shell.js';

interface Options {
  readonly config?: string;
  readonly json?: boolean;
}

export function targetsCommand(shell: Shell): Command {
  return new Command('targets')
    .description('the machines that plans can be made for')
    .option('--config <file>', 'plugins and settings (default: regrain.config.* in the working directory)')
    .option('--json', 'print one JSON value')
    .addHelpText('after', examples('regrain targets', 'regrain targets --json'))
    .action(async (options: Options) => targets(shell, options));
}

async function targets({ terminal }: Shell, options: Options): Promise<void> {
  const { session } = await openSession(options.config, terminal);
  const found = session.contributions(HardwareTarget).map(({ id, description, plugin }) => {
    const { machine } = session.make(HardwareTarget, id);
    return { id, description, plugin, spaces: spacesOf(machine), engines: machine.engines.map(({ name, runs }) => ({ name, runs })) };
  });
  if (options.json) printJson(found, terminal);
  else {
    const rows = found.map(({ id, description, spaces, engines }) => [
      id,
      description,
      spaces.map(({ name, bytes }) => `${name} ${size(bytes ?? Number.POSITIVE_INFINITY)}`).join(', '),
      engines.map(({ name }) => name).join(', '),
    ]);
    terminal.out(`${table(['target', 'machine', 'memory', 'engines'], rows, terminal, 4)}\n`);
  }
}

/** JSON knows no infinity: an unbounded space has null bytes. */
function spacesOf({ spaces }: Machine): { name: string; bytes: number | null; align: number; counted: boolean }[] {
  return spaces.map(({ name, bytes, align, counted }) => ({ name, bytes: Number.isFinite(bytes) ? bytes : null, align, counted }));
}
