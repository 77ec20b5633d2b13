import { statSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { badInput, type Plan, RegrainError, Reporter, type Session, type Values } from '@regrain/core-ir';
import { ThreadedSession, WasmSession } from '@regrain/hw-wasm';
import { Command, Option } from 'commander';
import { MATH_HELP } from '../compile/compile-file.js';
import { checkAgainstOnnxRuntime } from '../execute/check.js';
import type { RunFlags } from '../execute/flags.js';
import { inputsFor } from '../execute/inputs.js';
import { formatNpy } from '../execute/npy.js';
import { openFolder, openModel } from '../execute/open.js';
import { profileOf } from '../execute/profile.js';
import { type RunSummary, showRun } from '../execute/summary.js';
import { measure } from '../execute/timing.js';
import { capacity, dim, integer, named, shape } from '../options/parse.js';
import { addPipelineOptions } from '../options/pipeline.js';
import { examples } from '../output/examples.js';
import { EXIT } from '../output/failure.js';
import { printJson } from '../output/json.js';
import { type Content, checkFolder, writeFolder } from '../output/write-folder.js';
import type { Shell } from '../shell.js';

const inputFile = (text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> => {
  const [name, file] = named(text, 'NAME=FILE.npy');
  return { ...before, [name]: file };
};

export function runCommand(shell: Shell): Command {
  const command = new Command('run')
    .description('really runs a model by its plan, as WebAssembly whose memory is the arena')
    .argument('<model>', 'an ONNX model, or a folder that `compile --target wasm --out` wrote')
    .addOption(new Option('--target <id>', 'where it runs').choices(['wasm']).default('wasm'))
    .addOption(
      new Option('--threads <n>', 'threads at most: as many as are measurably faster than one').argParser(integer(1, 16)).default(1),
    )
    .addOption(
      new Option('--input <name=file.npy>', 'values of an input, repeatable (default: seeded random)')
        .argParser(inputFile)
        .default({}, 'random'),
    )
    .addOption(new Option('--seed <n>', 'of random inputs').argParser(integer(0, 2 ** 32 - 1)).default(1))
    .addOption(new Option('--runs <n>', 'timed runs (default: up to 20, about a second and a half)').argParser(integer(1)))
    .addOption(new Option('--math <how>', MATH_HELP).choices(['exact', 'fast']))
    .option('--check', 'compare every output with ONNX Runtime (onnxruntime-node must be installed)')
    .option('--profile', 'time by operator and by region; with --out also a trace for Perfetto')
    .option('--generic', 'only the kernels that are generated from definitions, element by element: slow, equal to the interpreter')
    .option(
      '--poison',
      'run once under watch first: every byte outside live regions is overwritten, and no step may change what is not its own',
    )
    .option('--config <file>', 'plugins and settings (default: regrain.config.* in the working directory)')
    .addOption(new Option('--capacity <space=bytes>', 'limit of a memory space, repeatable').argParser(capacity))
    .addOption(new Option('--dim <name=n>', 'size of an open dimension, repeatable').argParser(dim))
    .addOption(new Option('--shape <input=1,3,64,64>', 'shape of an input, repeatable').argParser(shape));
  return addPipelineOptions(command)
    .option('--out <folder>', 'write the outputs there as .npy files')
    .option('--json', 'print one JSON value')
    .addHelpText(
      'after',
      examples(
        'regrain run examples/models/kws_ref_model_qdq.onnx --check',
        'regrain run model.onnx --input x=image.npy --out results',
        'regrain compile model.onnx --target wasm --out plan && regrain run plan --profile',
      ),
    )
    .action(async (model: string, flags: RunFlags) => run(shell, model, flags));
}

async function run(shell: Shell, model: string, flags: RunFlags): Promise<void> {
  const { terminal } = shell;
  if (flags.out !== undefined) checkFolder(flags.out);
  const folder = statSync(model).isDirectory();
  if (folder && flags.check) throw badInput(`--check needs the model itself: regrain run MODEL.onnx --check`);
  const alone = flags.poison ? '--poison' : flags.profile ? '--profile' : undefined;
  if (alone && flags.threads > 1) throw badInput(`${alone} works on one thread; leave --threads out`);
  const { session, wasm, compileMs, openedAt, ...tried } = folder
    ? await openFolder(model, flags, terminal)
    : await openModel(model, flags, terminal);
  const { plan, program } = wasm;
  if (alone && wasm instanceof ThreadedSession) {
    await wasm.close();
    throw badInput(`${alone} works on one thread; the plan in ${model} is one of ${program.lanes.length}`);
  }
  const inputs = inputsFor(plan.program, flags.input, flags.seed ?? 1);
  if (flags.poison && wasm instanceof WasmSession) inspect(wasm, inputs);
  const outputs = await wasm.run(inputs);
  const firstMs = performance.now() - openedAt;
  const check = flags.check ? await checkAgainstOnnxRuntime(model, plan.program, inputs, outputs) : undefined;
  const times = await measure(async () => wasm.run(inputs), flags.runs);
  const seen = wasm instanceof WasmSession && flags.profile ? wasm.observe(inputs).seen : undefined;
  await wasm.close();
  const profile = seen && profileOf(plan, program, seen);
  const summary: RunSummary = {
    model: basename(model, extname(model)),
    target: 'wasm',
    threads: program.lanes.length,
    ...tried,
    arenaBytes: program.arenaBytes,
    constantBytes: program.data.bytes.length,
    scratchBytes: program.scratchBytes,
    compileMs,
    firstMs,
    medianMs: times[times.length >> 1],
    runs: times.length,
    outputs: [...outputs].map(([name, { shape: dims, dtype }]) => ({ name, shape: dims, dtype })),
    kernels: program.kernels,
    ...(check ? { check } : {}),
    ...(profile ? { profile } : {}),
  };
  if (flags.out !== undefined) {
    const files = new Map<string, Content>([...outputs].map(([name, values]) => [`${fileName(name)}.npy`, formatNpy(values)]));
    if (seen) for (const [name, content] of await traceOf(session, plan, seen)) files.set(name, content);
    writeFolder(flags.out, files);
  }
  if (flags.json) printJson(summary, terminal);
  else terminal.out(showRun(summary, terminal));
  if (check && !check.passed) shell.exitCode = EXIT.failed;
}

/** A run under watch must give what a run without it gives. */
function inspect(wasm: WasmSession, inputs: ReadonlyMap<string, Values>): void {
  const watched = wasm.inspect(inputs);
  for (const [name, { data }] of wasm.run(inputs)) {
    const other = watched.get(name)?.data ?? [];
    for (let k = 0; k < data.length; k++) {
      if (!Object.is(data[k], other[k]))
        throw new RegrainError('verification', `output ${name} depends on bytes that no live region holds (element ${k})`);
    }
  }
}

async function traceOf(session: Session, plan: Plan, seen: Parameters<Reporter['report']>[1]): Promise<ReadonlyMap<string, Content>> {
  const files = new Map<string, Content>();
  for (const { id } of session.contributions(Reporter)) {
    for (const [name, content] of await session.make(Reporter, id).report(plan, seen)) files.set(name, content);
  }
  return files;
}

/** Names of outputs may hold what file names cannot. */
function fileName(name: string): string {
  return name.replaceAll(/[^\w.-]+/g, '_');
}
