import { existsSync } from 'node:fs';
import { type BenchResult, type ModelRunner, type Suite, suites } from '@regrain/bench';
import { badInput } from '@regrain/core-ir';
import { Command } from 'commander';
import { modelRunner } from '../execute/model-runner.js';
import { openSession } from '../open-session.js';
import { examples } from '../output/examples.js';
import { EXIT } from '../output/failure.js';
import { printJson } from '../output/json.js';
import { unknownName } from '../output/unknown-name.js';
import type { Shell } from '../shell.js';

interface Options {
  readonly models: readonly string[];
  readonly only: readonly string[];
  readonly cases: readonly string[];
  readonly json?: boolean;
}

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

export function benchCommand(shell: Shell): Command {
  return new Command('bench')
    .description(`measures regrain beside peers and bounds (suites: ${suites.map(({ name }) => name).join(', ')})`)
    .argument('[suite]', 'one suite; all of them if absent')
    .option('--models <folder>', 'a folder that holds models, repeatable', collect, [])
    .option('--cases <folder>', 'a folder of ONNX conformance cases, repeatable', collect, [])
    .option('--only <text>', 'only cases whose name holds this text, repeatable', collect, [])
    .option('--json', 'print one JSON value')
    .addHelpText(
      'after',
      examples(
        'regrain bench memory --models examples/models',
        'regrain bench memory --only mbv2 --json',
        'regrain bench conformance --cases onnx/backend/test/data/node',
      ),
    )
    .action(async (name: string | undefined, options: Options) => bench(shell, name, options));
}

async function bench(shell: Shell, name: string | undefined, options: Options): Promise<void> {
  const { terminal } = shell;
  const chosen = name === undefined ? suites : suites.filter((suite) => suite.name === name);
  if (name !== undefined && chosen.length === 0)
    throw badInput(
      unknownName(
        'suite',
        name,
        suites.map((suite) => suite.name),
      ),
    );
  const runner = modelRunner((await openSession(undefined, terminal)).session);
  const results: BenchResult[] = [];
  for (const suite of chosen) results.push(await runSuite(suite, options, runner, (line) => terminal.progress(line)));
  terminal.progress('');
  const notes = results.flatMap((result) => result.notes);
  if (options.json) printJson({ suite: name ?? 'all', rows: results.flatMap((result) => result.rows) }, terminal);
  else for (const { text } of results) terminal.out(`${text}\n`);
  for (const note of notes) terminal.note(note);
  if (results.some(({ wrong }) => wrong)) shell.exitCode = EXIT.failed;
}

function runSuite(suite: Suite, options: Options, runner: ModelRunner, progress: (line: string) => void): Promise<BenchResult> {
  const models = options.models.length > 0 ? options.models : ['examples/models', '.'];
  const cases = options.cases.length > 0 ? options.cases : ['examples/conformance'].filter((folder) => existsSync(folder));
  return suite.run({ command: [process.execPath, process.argv[1]], models, cases, only: options.only, runner, progress });
}
