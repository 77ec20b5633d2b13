import { existsSync } from 'node:fs';
import { type BenchOptions, type BenchResult, suites } from '@regrain/bench';
import { badInput } from '@regrain/core-ir';
import { Command } from 'commander';
import { allocationRunner } from '../allocation/runner.js';
import { modelRunner } from '../execute/model-runner.js';
import { type OpenSession, openSession } from '../open-session.js';
import { examples } from '../output/examples.js';
import { EXIT } from '../output/failure.js';
import { printJson } from '../output/json.js';
import { unknownName } from '../output/unknown-name.js';
import { orderingRunner } from '../scheduling/orderings.js';
import { stageRunner } from '../scheduling/stages.js';
import type { Shell } from '../shell.js';

interface Options {
  readonly models: readonly string[];
  readonly only: readonly string[];
  readonly cases: readonly string[];
  readonly instances: readonly string[];
  readonly minimalloc?: string;
  readonly json?: boolean;
}

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

export function benchCommand(shell: Shell): Command {
  return new Command('bench')
    .description(`measures regrain beside peers and bounds (suites: ${suites.map(({ name }) => name).join(', ')})`)
    .argument('[suite]', 'one suite; all of them if absent')
    .option('--models <folder>', 'a folder that holds models, repeatable', collect, [])
    .option('--cases <folder>', 'a folder of ONNX conformance cases, repeatable', collect, [])
    .option('--instances <folder>', "a folder or file of buffers to place (MinimAlloc's CSV), repeatable", collect, [])
    .option('--minimalloc <binary>', "MinimAlloc's program, to be measured in the same run")
    .option('--only <text>', 'only cases whose name holds this text, repeatable', collect, [])
    .option('--json', 'print one JSON value')
    .addHelpText(
      'after',
      examples(
        'regrain bench memory --models examples/models',
        'regrain bench memory --only mbv2 --json',
        'regrain bench schedule --models examples/models --only whole',
        'regrain bench allocate --instances minimalloc/benchmarks/challenging --minimalloc ./minimalloc/minimalloc',
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
  const opened = await openSession(undefined, terminal);
  const progress = (line: string): void => terminal.progress(line);
  const results: BenchResult[] = [];
  for (const suite of chosen) results.push(await suite.run(optionsOf(options, opened, progress)));
  terminal.progress('');
  const notes = results.flatMap((result) => result.notes);
  if (options.json) printJson({ suite: name ?? 'all', rows: results.flatMap((result) => result.rows) }, terminal);
  else for (const { text } of results) terminal.out(`${text}\n`);
  for (const note of notes) terminal.note(note);
  if (results.some(({ wrong }) => wrong)) shell.exitCode = EXIT.failed;
}

function optionsOf(
  { models, cases, instances, minimalloc, only }: Options,
  opened: OpenSession,
  progress: (line: string) => void,
): BenchOptions {
  const { session } = opened;
  const given = (folders: readonly string[], own: readonly string[]): readonly string[] => (folders.length > 0 ? folders : own);
  const there = (folder: string): readonly string[] => [folder].filter((each) => existsSync(each));
  return {
    command: [process.execPath, process.argv[1]],
    models: given(models, ['examples/models', '.']),
    cases: given(cases, there('examples/conformance')),
    instances: given(instances, there('examples/allocation')),
    ...(minimalloc === undefined ? {} : { minimalloc }),
    only,
    runner: modelRunner(opened),
    allocate: allocationRunner(session, progress),
    order: orderingRunner(session),
    stages: stageRunner(session),
    progress,
  };
}
