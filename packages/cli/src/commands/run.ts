import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import {
  badInput,
  OperatorSet,
  type Plan,
  type PlanFault,
  parsePlan,
  RegrainError,
  Reporter,
  type Session,
  type Values,
  Verifier,
} from '@regrain/core-ir';
import { emitWasm, evaluatorOf, load, type PlanSession, ThreadedSession, WasmSession } from '@regrain/hw-wasm';
import { Command, Option } from 'commander';
import { type CompileFlags, compileFile, MATH_HELP, mathOf } from '../compile/compile-file.js';
import { type Check, checkAgainstOnnxRuntime } from '../execute/check.js';
import { inputsFor } from '../execute/inputs.js';
import { formatNpy } from '../execute/npy.js';
import { type Profile, profileOf, showProfile } from '../execute/profile.js';
import { allowRelaxedSimd } from '../execute/relaxed-simd.js';
import { openSession } from '../open-session.js';
import { capacity, dim, integer, named, shape } from '../options/parse.js';
import { addPipelineOptions } from '../options/pipeline.js';
import { examples } from '../output/examples.js';
import { EXIT } from '../output/failure.js';
import { printJson } from '../output/json.js';
import { duration, size } from '../output/size.js';
import type { Terminal } from '../output/terminal.js';
import { type Content, checkFolder, writeFolder } from '../output/write-folder.js';
import type { Shell } from '../shell.js';

interface Flags extends Omit<CompileFlags, 'input'> {
  readonly target: string;
  readonly threads: number;
  readonly input: Readonly<Record<string, string>>;
  readonly runs?: number;
  readonly check?: boolean;
  readonly profile?: boolean;
  readonly generic?: boolean;
  readonly poison?: boolean;
  readonly out?: string;
  readonly json?: boolean;
}

/** `run --json` (DESIGN section 11). */
interface Summary {
  readonly model: string;
  readonly target: string;
  /** That the plan runs on. */
  readonly threads: number;
  /** Time on one thread ÷ time on several, median of paired runs; of what was tried and is fastest, chosen or not. */
  readonly speedup?: number;
  /** The same by the shortest times. */
  readonly bestOfSpeedup?: number;
  /** Of what was chosen, measured afresh; 1 for one thread. */
  readonly chosenSpeedup?: number;
  /** The plan's arena: the module's memory without constants, tables and code. */
  readonly arenaBytes: number;
  readonly constantBytes: number;
  /** What kernels of fast arithmetic work in, part of `constantBytes`. */
  readonly scratchBytes: number;
  /** Planning and making the module. */
  readonly compileMs: number;
  /** Until the first result, once the plan is at hand. */
  readonly firstMs: number;
  readonly medianMs: number;
  readonly runs: number;
  readonly outputs: readonly { readonly name: string; readonly shape: readonly number[]; readonly dtype: string }[];
  readonly kernels: Readonly<Record<string, number>>;
  readonly check?: Check;
  readonly profile?: Profile;
}

/** Timed runs end after so long, if no number of runs was asked for. */
const ENOUGH_MS = 1500;
const RUNS = 20;
/** Written over all free bytes of the arena: as a float a large negative number, as bytes neither zero nor small. */
const POISON = 0xfa;

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
    .action(async (model: string, flags: Flags) => run(shell, model, flags));
}

async function run(shell: Shell, model: string, flags: Flags): Promise<void> {
  const { terminal } = shell;
  if (flags.out !== undefined) checkFolder(flags.out);
  const folder = statSync(model).isDirectory();
  if (folder && flags.check) throw badInput(`--check needs the model itself: regrain run MODEL.onnx --check`);
  const { session, wasm, compileMs, openedAt, ...tried } = folder
    ? await openFolder(model, flags, terminal)
    : await openModel(model, flags, terminal);
  const { plan, program } = wasm;
  const inputs = inputsFor(plan.program, flags.input, flags.seed ?? 1);
  if (flags.poison) inspect(wasm, inputs);
  const outputs = await wasm.run(inputs);
  const firstMs = performance.now() - openedAt;
  const check = flags.check ? await checkAgainstOnnxRuntime(model, plan.program, inputs, outputs) : undefined;
  const times = await measure(async () => wasm.run(inputs), flags.runs);
  if (flags.profile && wasm instanceof ThreadedSession) throw badInput('--profile works on one thread; leave --threads out');
  const seen = wasm instanceof WasmSession && flags.profile ? wasm.observe(inputs).seen : undefined;
  await wasm.close();
  const profile = seen && profileOf(plan, program, seen);
  const summary: Summary = {
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
  else terminal.out(show(summary, terminal));
  if (check && !check.passed) shell.exitCode = EXIT.failed;
}

/** A run under watch must give what a run without it gives. */
function inspect(wasm: Opened['wasm'], inputs: ReadonlyMap<string, Values>): void {
  if (!(wasm instanceof WasmSession)) throw badInput('--poison works on one thread; leave --threads out');
  const watched = wasm.inspect(inputs);
  for (const [name, { data }] of wasm.run(inputs)) {
    const other = watched.get(name)?.data ?? [];
    for (let k = 0; k < data.length; k++) {
      if (!Object.is(data[k], other[k]))
        throw new RegrainError('verification', `output ${name} depends on bytes that no live region holds (element ${k})`);
    }
  }
}

interface Opened {
  readonly session: Session;
  readonly wasm: PlanSession;
  readonly compileMs: number;
  readonly openedAt: number;
  readonly speedup?: number;
  readonly bestOfSpeedup?: number;
  readonly chosenSpeedup?: number;
}

async function openModel(path: string, flags: Flags, terminal: Terminal): Promise<Opened> {
  const one = await openPlan(path, flags, terminal);
  if (flags.threads === 1) return one;
  const { plan } = one.wasm;
  const inputs = inputsFor(plan.program, flags.input, flags.seed ?? 1);
  let best = one;
  let [speedup, bestOf] = [0, 0];
  // Few large bands per operation: threads meet only at their borders.
  for (const bands of [flags.threads, 2 * flags.threads]) {
    terminal.progress(`trying ${flags.threads} threads, ${bands} bands`);
    const several = await openPlan(path, flags, terminal, { threads: flags.threads, bands });
    const { ratio, ofBest } = several.wasm instanceof ThreadedSession ? await compare(one.wasm, several.wasm, inputs) : NOT_SEVERAL;
    if (ratio > speedup) speedup = ratio;
    bestOf = Math.max(bestOf, ofBest);
    const faster = ratio > WORTHWHILE && ratio >= speedup;
    const [kept, left] = faster ? [several, best] : [best, several];
    await left.wasm.close();
    best = kept;
  }
  terminal.progress('');
  let chosenSpeedup = 1;
  if (best !== one) {
    // What won among several may have won by luck, so it is compared again.
    chosenSpeedup = (await compare(one.wasm, best.wasm, inputs)).ratio;
    if (chosenSpeedup < 1) {
      await best.wasm.close();
      [best, chosenSpeedup] = [one, 1];
    }
  }
  return { ...best, speedup, bestOfSpeedup: bestOf, chosenSpeedup, openedAt: performance.now() };
}

async function openPlan(
  path: string,
  flags: Flags,
  terminal: Terminal,
  parallel?: { readonly threads: number; readonly bands: number },
): Promise<Opened> {
  const began = performance.now();
  const { input: _files, seed: _seed, threads: _threads, ...own } = flags;
  const compileFlags = parallel
    ? {
        ...own,
        threads: parallel.threads,
        decompose: [{ id: 'bands', options: { maxBands: parallel.bands } }],
        schedule: ['critical-path'],
        iterations: 0,
      }
    : own;
  const { session, result, target } = await compileFile(path, basename(path), compileFlags, terminal);
  terminal.progress('making the module');
  const { plan, loaded } = { plan: result.plan, loaded: result.loaded };
  const program = await emitWasm(plan, loaded.constants, { generic: flags.generic === true, math: mathOf(target) });
  terminal.progress('');
  const openedAt = performance.now();
  const Opener = program.lanes.length > 1 ? ThreadedSession : WasmSession;
  const wasm = await Opener.open(plan, loaded.constants, program, optionsFor(session, flags));
  return { session, wasm, compileMs: openedAt - began, openedAt };
}

/** More threads must gain so much to be taken. */
const WORTHWHILE = 1.03;
const PAIRS = 7;

/** Of plans that turn out to need one thread. */
const NOT_SEVERAL: Speedup = { ratio: 0, ofBest: 0 };

interface Speedup {
  /** Median over the pairs. */
  readonly ratio: number;
  /** Shortest time ÷ shortest time: what other programs' load hides least. */
  readonly ofBest: number;
}

/** Time of the first ÷ time of the second: runs in turn, after one of each to warm up. */
async function compare(one: Opened['wasm'], other: Opened['wasm'], inputs: ReadonlyMap<string, Values>): Promise<Speedup> {
  const ratios: number[] = [];
  let [first, second] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let pair = 0; pair <= PAIRS; pair++) {
    const times: number[] = [];
    for (const session of [one, other]) {
      const start = performance.now();
      await session.run(inputs);
      times.push(performance.now() - start);
    }
    if (pair === 0) continue;
    ratios.push(times[0] / times[1]);
    [first, second] = [Math.min(first, times[0]), Math.min(second, times[1])];
  }
  return { ratio: ratios.sort((a, b) => a - b)[ratios.length >> 1], ofBest: first / second };
}

async function openFolder(folder: string, flags: Flags, terminal: Terminal): Promise<Opened> {
  const { session } = await openSession(flags.config, terminal);
  allowRelaxedSimd();
  const openedAt = performance.now();
  const path = join(folder, 'plan.json');
  const plan = readFileSync(path, 'utf8');
  const optional = (name: string): Buffer | undefined => (existsSync(join(folder, name)) ? readFileSync(join(folder, name)) : undefined);
  const constants = readFileSync(join(folder, 'plan.bin'));
  const module = optional('plan.wasm');
  // A module belongs to the very plan that was verified when it was made; a plan alone may have been edited.
  if (!module)
    for (const { id } of session.contributions(Verifier)) refuseFaults(path, session.make(Verifier, id).verify(parsePlan(plan, path)));
  const wasm = await load(
    {
      plan,
      constants,
      module,
      manifest: optional('plan.wasm.json')?.toString('utf8'),
      data: optional('plan.wasm.bin'),
    },
    optionsFor(session, flags),
  );
  return { session, wasm, compileMs: 0, openedAt };
}

function refuseFaults(path: string, [fault]: readonly PlanFault[]): void {
  if (fault) throw new RegrainError('verification', `${path}: ${fault.rule}: ${fault.message}`);
}

function optionsFor(session: Session, flags: Flags): Parameters<typeof WasmSession.open>[3] {
  const sets = session.contributions(OperatorSet).map(({ id }) => session.make(OperatorSet, id));
  return { evaluateOpaque: evaluatorOf(sets), ...(flags.poison ? { poison: POISON } : {}) };
}

/** Milliseconds of runs, sorted. */
async function measure(once: () => Promise<unknown>, runs: number | undefined): Promise<number[]> {
  const times: number[] = [];
  const began = performance.now();
  while (times.length < (runs ?? RUNS) && (runs !== undefined || times.length === 0 || performance.now() - began < ENOUGH_MS)) {
    const start = performance.now();
    await once();
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b);
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

function show(summary: Summary, terminal: Terminal): string {
  const { model, threads, speedup, arenaBytes, constantBytes, scratchBytes, medianMs, firstMs, runs, outputs, kernels, check, profile } =
    summary;
  const lines = [
    `${model}: ${medianMs.toFixed(2)} ms a run (median of ${runs}; first result after ${duration(firstMs)})`,
    ...(speedup === undefined
      ? []
      : [`${threads === 1 ? 'one thread: several were' : `${threads} threads:`} ${speedup.toFixed(2)} times as fast as one`]),
    `arena ${size(arenaBytes)}, constants and tables ${size(constantBytes)}${scratchBytes > 0 ? ` (${size(scratchBytes)} of it to work in)` : ''}; functions: ${Object.entries(
      kernels,
    )
      .map(([kind, count]) => `${count} ${kind}`)
      .join(', ')}`,
    ...outputs.map(({ name, dtype, shape: dims }) => `output ${name}: ${dtype} [${dims.join(', ')}]`),
  ];
  if (check) {
    const found = check.passed ? 'agrees with' : 'DIFFERS from';
    const errors = outputs.some(({ dtype }) => dtype.startsWith('float'))
      ? `largest error ${check.maxRelError.toExponential(1)} of the largest magnitude`
      : `${check.mismatches} elements differ${check.mismatches > 0 ? `, by at most ${check.maxAbsError}` : ''}`;
    lines.push(`${found} ONNX Runtime: ${errors} (it took ${check.referenceMs.toFixed(2)} ms)`);
  }
  if (profile) lines.push('', showProfile(profile, terminal));
  return `${lines.join('\n')}\n`;
}
