import { pointName } from '@regrain/core-ir';
import { Command } from 'commander';
import { z } from 'zod';
import { openSession } from '../open-session.js';
import { examples } from '../output/examples.js';
import { printJson } from '../output/json.js';
import type { Shell } from '../shell.js';

interface Options {
  readonly config?: string;
  readonly json?: boolean;
}

interface OptionRow {
  readonly name: string;
  readonly description: string;
  readonly default: unknown;
}

export function pluginsCommand(shell: Shell): Command {
  return new Command('plugins')
    .description('what is installed, by extension point, with options and their defaults')
    .option('--config <file>', 'plugins and settings (default: regrain.config.* in the working directory)')
    .option('--json', 'print one JSON value')
    .addHelpText('after', examples('regrain plugins', 'regrain plugins --json'))
    .action(async (options: Options) => plugins(shell, options));
}

async function plugins({ terminal }: Shell, options: Options): Promise<void> {
  const { session } = await openSession(options.config, terminal);
  const found = session.contributions().map(({ point, id, description, plugin, options: schema, space }) => ({
    point: pointName(point),
    id,
    description,
    plugin,
    options: optionsOf(schema),
    ...(space ? { space } : {}),
  }));
  if (options.json) {
    printJson(found, terminal);
    return;
  }
  const width = Math.max(...found.map(({ id }) => id.length));
  let point = '';
  for (const entry of found) {
    if (entry.point !== point) terminal.out(`${point === '' ? '' : '\n'}${entry.point}\n`);
    point = entry.point;
    terminal.out(`  ${entry.id.padEnd(width)}  ${entry.description}\n`);
    for (const { name, description, default: value } of entry.options) {
      terminal.out(`  ${' '.repeat(width)}    ${name} = ${JSON.stringify(value) ?? '(unset)'}  ${description}\n`);
    }
  }
}

function optionsOf(schema: z.ZodObject): OptionRow[] {
  const { properties = {} } = z.toJSONSchema(schema, { unrepresentable: 'any', io: 'input' });
  return Object.entries(properties).map(([name, property]) => {
    const { description = '', default: value } = typeof property === 'object' ? property : {};
    return { name, description, default: value };
  });
}
