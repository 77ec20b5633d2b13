import { Command, CommanderError } from 'commander';
import { allocateCommand } from './commands/allocate.js';
import { benchCommand } from './commands/bench.js';
import { compileCommand } from './commands/compile.js';
import { depsCommand } from './commands/deps.js';
import { doctorCommand } from './commands/doctor.js';
import { explainCommand } from './commands/explain.js';
import { pluginsCommand } from './commands/plugins.js';
import { runCommand } from './commands/run.js';
import { targetsCommand } from './commands/targets.js';
import { verifyCommand } from './commands/verify.js';
import { EXIT, failureOf } from './output/failure.js';
import type { Terminal } from './output/terminal.js';
import { type Shell, version } from './shell.js';

const COMMANDS = [
  compileCommand,
  runCommand,
  depsCommand,
  allocateCommand,
  explainCommand,
  verifyCommand,
  pluginsCommand,
  targetsCommand,
  benchCommand,
  doctorCommand,
];

/** Runs one command line and returns its exit code: 0 done, 1 a check failed or nothing fits, 2 bad input or usage. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const shell: Shell = { terminal, exitCode: EXIT.done };
  const program = programOf(shell);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return shell.exitCode;
  } catch (error) {
    terminal.progress('');
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    const failure = failureOf(error);
    terminal.note(`regrain: ${failure.message}`);
    if (program.opts<{ stack?: boolean }>().stack && error instanceof Error) terminal.note(stackOf(error));
    return failure.exitCode;
  }
}

function programOf(shell: Shell): Command {
  const program = new Command('regrain')
    .description('Plans the memory of tensor programs by regions: from a model or a trace to a verified plan.')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .option('--stack', 'print where an error comes from');
  for (const command of COMMANDS) program.addCommand(command(shell));
  for (const command of [program, ...program.commands]) {
    command
      .exitOverride()
      .configureHelp({ showGlobalOptions: true })
      .configureOutput({
        writeOut: (text) => shell.terminal.out(text),
        writeErr: (text) => shell.terminal.note(text.trimEnd()),
        outputError: (text, write) =>
          write(
            `regrain: ${text
              .replace(/^error: /, '')
              .trim()
              .replace(/\s*\n\s*/g, ' ')}`,
          ),
      });
  }
  return program;
}

function stackOf(error: Error): string {
  const own = error.stack ?? error.message;
  return error.cause instanceof Error ? `${own}\ncaused by ${stackOf(error.cause)}` : own;
}
