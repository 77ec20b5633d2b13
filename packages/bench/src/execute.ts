import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { findModel } from './find-model.js';
import { MODELS } from './models.js';
import { feedsOf, type OnnxPackage, openOnnxRuntime } from './onnx-runtime.js';
import { type Contender, geometricMean, inTurn, type Rounds, ratioOf, summaryOf } from './paired.js';
import {
  type BenchOptions,
  type BenchResult,
  type BenchRow,
  type FirstResult,
  type PlanKind,
  type Runnable,
  row,
  type Suite,
} from './suite.js';
import { textTable } from './text-table.js';

const KINDS: readonly PlanKind[] = ['regions', 'tuned', 'whole'];
/** Of float models too: fused operations and short convolutions; integers are the same by any arithmetic. */
const FAST_KINDS: readonly PlanKind[] = ['fast', 'fast whole'];
const PEERS: readonly OnnxPackage[] = ['onnxruntime-web', 'onnxruntime-node'];
const ROUNDS = 7;
const BUDGET_MS = 5000;

/** One model, measured. */
interface Measured {
  readonly model: string;
  readonly integer: boolean;
  readonly runnables: ReadonlyMap<PlanKind, Runnable>;
  readonly rounds: Rounds;
  /** Of the processor, in the same rounds: ratios are of these. */
  readonly work: Rounds;
  /** To the last byte that runs change, by the plan of regions. */
  readonly touchedBytes: number;
  readonly threads?: Threads;
  /** From an import in a fresh process to the first result: the shortest of several. */
  readonly first?: FirstResult;
}

/** What `run --threads 2` says. */
interface Threads {
  readonly threads: number;
  readonly speedup: number;
  readonly bestOfSpeedup: number;
  readonly chosenSpeedup: number;
  readonly load: number;
}

/** Shorter inferences are not shared among threads. */
const THREADS_FROM_MS = 20;
const STARTS = 5;

/** Time of an inference on one thread: ours by regions, tuned and by whole tensors, ONNX Runtime beside, all in turn in one process. */
export const executeSuite: Suite = {
  name: 'execute',
  description: "time of an inference on one thread: regrain's plans in turn with ONNX Runtime for WebAssembly and native",
  async run(options: BenchOptions): Promise<BenchResult> {
    const notes: string[] = [];
    for (const name of PEERS)
      if (!(await openOnnxRuntime(name))) notes.push(`execute: ${name} is not installed: npm install --no-save ${name}@1.30`);
    const measured: Measured[] = [];
    for (const { model, freeze } of MODELS) {
      if (options.only.length > 0 && !options.only.some((part) => model.includes(part))) continue;
      const path = findModel(model, options.models);
      if (!path) {
        notes.push(`${model}: not found; give its folder with --models`);
        continue;
      }
      options.progress(`execute: ${model}`);
      measured.push(await measure(model, path, freeze, options));
    }
    return { suite: 'execute', rows: measured.flatMap(rowsOf), text: text(measured), notes: [...notes, ...measured.flatMap(slowest)] };
  },
};

async function measure(model: string, path: string, freeze: readonly string[], options: BenchOptions): Promise<Measured> {
  const { runner } = options;
  const runnables = new Map<PlanKind, Runnable>();
  const integer = model.includes('_qdq');
  for (const kind of [...KINDS, ...(integer ? [] : FAST_KINDS)]) runnables.set(kind, await runner.prepare(path, freeze, kind));
  const contenders: Contender[] = [...runnables].map(([name, runnable]) => ({ name, run: () => runnable.run() }));
  const { program, inputs } = runnables.get('regions') as Runnable;
  const close: (() => Promise<void> | undefined)[] = [];
  for (const name of PEERS) {
    const ort = await openOnnxRuntime(name);
    if (!ort) continue;
    if (ort.env?.wasm) ort.env.wasm.numThreads = 1;
    const session = await ort.InferenceSession.create(readFileSync(path), {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      logSeverityLevel: 3,
    });
    const feeds = feedsOf(ort, session, program, inputs);
    contenders.push({ name, run: () => session.run(feeds) });
    close.push(() => session.release?.());
  }
  const { elapsed: rounds, work } = await inTurn(contenders, ROUNDS, BUDGET_MS);
  for (const each of close) await each();
  const touchedBytes = runnables.get('regions')?.touchedBytes() ?? 0;
  const long = summaryOf(rounds.get('regions') ?? [0]).median >= THREADS_FROM_MS;
  const threads = long ? threadsOf(path, freeze, options) : undefined;
  const first = firstResultOf(path, freeze, options);
  return {
    model,
    integer,
    runnables,
    rounds,
    work,
    touchedBytes,
    ...(threads && { threads }),
    ...(first && { first }),
  };
}

function threadsOf(path: string, freeze: readonly string[], { command: [program, ...args] }: BenchOptions): Threads | undefined {
  const { status, stdout } = spawnSync(program, [...args, 'run', path, ...freeze, '--threads', '2', '--runs', '1', '--json'], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  return status === 0 ? { ...(JSON.parse(stdout) as Omit<Threads, 'load'>), load: loadavg()[0] } : undefined;
}

function firstResultOf(path: string, freeze: readonly string[], { command, runner }: BenchOptions): FirstResult | undefined {
  const [program, ...args] = command;
  const folder = mkdtempSync(join(tmpdir(), 'regrain-first-'));
  try {
    const { status } = spawnSync(program, [...args, 'compile', path, ...freeze, '--target', 'wasm', '--out', folder]);
    if (status !== 0) return undefined;
    const starts = Array.from({ length: STARTS }, () => runner.firstResult(folder)).filter((each) => each !== undefined);
    return starts.toSorted((a, b) => totalMs(a) - totalMs(b))[0];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function totalMs({ importMs, readMs, loadMs, runMs }: FirstResult): number {
  return importMs + readMs + loadMs + runMs;
}

function rowsOf({ model, rounds, work, runnables, touchedBytes, threads, first }: Measured): BenchRow[] {
  const rows: BenchRow[] = [];
  for (const kind of [...KINDS, ...FAST_KINDS]) {
    for (const peer of [...PEERS, kind === 'fast' ? 'fast whole' : 'whole']) {
      const [ours, theirs] = [rounds.get(kind), rounds.get(peer)];
      const ratio = kind === peer ? undefined : ratioOf(rounds, kind, peer);
      if (!ours || !theirs || !ratio) continue;
      const paired = row(model, `time, ${kind}`, 'ms', summaryOf(ours).median, summaryOf(theirs).median, peer, ratio.spread);
      rows.push({ ...paired, ratio: ratio.median });
      const [busy, peerBusy, less] = [work.get(kind), work.get(peer), ratioOf(work, kind, peer)];
      if (!busy || !peerBusy || !less) continue;
      const [a, b] = [busy, peerBusy].map((times) => summaryOf(times).median);
      rows.push({ ...row(model, `processor time, ${kind}`, 'ms', a, b, peer, less.spread), ratio: less.median });
    }
  }
  const arena = (kind: PlanKind): number => runnables.get(kind)?.arenaBytes ?? 0;
  rows.push(row(model, 'arena', 'bytes', arena('regions'), arena('whole'), 'whole tensors'));
  rows.push(row(model, 'arena, tuned', 'bytes', arena('tuned'), arena('whole'), 'whole tensors'));
  rows.push(row(model, 'memory that runs change, regions', 'bytes', touchedBytes, runnables.get('regions')?.plannedBytes ?? 0, 'the plan'));
  if (threads) {
    const { speedup, bestOfSpeedup, chosenSpeedup } = threads;
    rows.push(row(model, 'speed of two threads, best of', '1/time', bestOfSpeedup, 1, 'one thread'));
    rows.push(row(model, 'speed of two threads, median', '1/time', speedup, 1, 'one thread'));
    rows.push(row(model, "speed of the planner's choice of threads", '1/time', chosenSpeedup, 1, 'one thread'));
  }
  if (first) rows.push(row(model, 'first result in a fresh process', 'ms', totalMs(first), null, ''));
  return rows;
}

/** Of integers and of floats: ours ÷ theirs. */
const RATIOS: readonly (readonly [PlanKind, string])[] = [
  ['tuned', 'onnxruntime-web'],
  ['fast', 'onnxruntime-web'],
  ['tuned', 'onnxruntime-node'],
  ['fast', 'onnxruntime-node'],
  ['regions', 'whole'],
  ['tuned', 'whole'],
  ['fast', 'fast whole'],
];

/** What is to be reached (of geometric means, and of the worst model). */
const TARGETS: readonly {
  readonly pair: readonly [PlanKind, string];
  readonly integer?: boolean;
  readonly mean: number;
  readonly worst?: number;
}[] = [
  { pair: ['tuned', 'onnxruntime-web'], integer: false, mean: 0.4, worst: 1 },
  { pair: ['fast', 'onnxruntime-web'], integer: false, mean: 0.4, worst: 1 },
  { pair: ['tuned', 'onnxruntime-node'], integer: false, mean: 2 },
  { pair: ['fast', 'onnxruntime-node'], integer: false, mean: 2 },
  { pair: ['tuned', 'onnxruntime-web'], integer: true, mean: 0.5 },
  { pair: ['tuned', 'whole'], mean: 0.97, worst: 1.03 },
  { pair: ['fast', 'fast whole'], integer: false, mean: 0.97, worst: 1.03 },
];

function text(measured: readonly Measured[]): string {
  const ms = (rounds: Rounds, name: string): string => {
    const times = rounds.get(name);
    return times ? summaryOf(times).median.toPrecision(3) : '-';
  };
  const ratio = (work: Rounds, ours: string, theirs: string): string => {
    const found = ratioOf(work, ours, theirs);
    return found ? `${found.median.toFixed(2)} ±${(50 * found.spread).toFixed(0)}%` : '-';
  };
  const lines = measured.map(({ model, rounds, work, runnables }) => [
    model,
    ...[...KINDS, ...FAST_KINDS, ...PEERS].map((name) => ms(rounds, name)),
    ...RATIOS.map(([ours, theirs]) => ratio(work, ours, theirs)),
    ((runnables.get('regions')?.arenaBytes ?? 0) / (runnables.get('whole')?.arenaBytes || 1)).toFixed(3),
  ]);
  const header = [
    'model',
    ...KINDS,
    ...FAST_KINDS,
    'web',
    'node',
    ...RATIOS.map(([a, b]) => `${a}÷${b.replace('onnxruntime-', '')}`),
    'arena',
  ];
  const machine = `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, load ${loadavg()[0].toFixed(1)}, Node ${process.version}`;
  return [
    "Inference on one thread, ms: medians of runs in turn. Ratios: of the processor's time in the same rounds, which other programs' load",
    'disturbs less; ± half the spread between quartiles. Arena: regions ÷ whole tensors. Fast: tuned, with fast arithmetic.',
    machine,
    '',
    textTable(header, lines),
    '',
    summary(measured),
    '',
    others(measured),
  ].join('\n');
}

/** Geometric means and the worst model, with what is to be reached beside them. */
function summary(measured: readonly Measured[]): string {
  const lines = TARGETS.flatMap(({ pair: [ours, theirs], integer, mean, worst }) => {
    const of = measured
      .filter((each) => integer === undefined || each.integer === integer)
      .flatMap(({ model, work }) => ({ model, ratio: ratioOf(work, ours, theirs)?.median ?? Number.NaN }))
      .filter((each) => !Number.isNaN(each.ratio));
    if (of.length === 0) return [];
    const most = of.reduce((a, b) => (b.ratio > a.ratio ? b : a));
    const name = `${ours} ÷ ${theirs}${integer === undefined ? '' : integer ? ', integer models' : ', float models'} (${of.length})`;
    return [
      [
        name,
        geometricMean(of.map((each) => each.ratio)).toFixed(3),
        `≤ ${mean}`,
        most.ratio.toFixed(2),
        worst ? `≤ ${worst}` : '-',
        most.model,
      ],
    ];
  });
  return textTable(['geometric mean of', 'reached', 'wanted', 'worst', 'wanted', 'of'], lines);
}

/** Arena against the plan, the first result, threads: a line each. */
function others(measured: readonly Measured[]): string {
  const exact = measured.filter(({ touchedBytes, runnables }) => touchedBytes === runnables.get('regions')?.plannedBytes);
  const within = measured.every(({ touchedBytes, runnables }) => touchedBytes <= (runnables.get('regions')?.plannedBytes ?? 0));
  const lines = [
    `memory that runs change before the constants: the plan's arena to the byte in ${exact.length} of ${measured.length} models, ${within ? 'never beyond it' : 'BEYOND IT in some'}`,
    '  (the memory itself comes in pages of 64 KiB and holds constants, tables and descriptors behind the arena)',
  ];
  for (const { model, first } of measured) {
    if (!first) continue;
    const parts = `import ${first.importMs.toFixed(0)}, files ${first.readMs.toFixed(0)}, load ${first.loadMs.toFixed(0)}, run ${first.runMs.toFixed(0)}`;
    const wanted = model.startsWith('mbv2') ? '; wanted ≤ 150' : '';
    lines.push(`first result of ${model} in a fresh process, best of ${STARTS}: ${totalMs(first).toFixed(0)} ms (${parts}${wanted})`);
  }
  for (const { model, threads } of measured) {
    if (!threads) continue;
    const { bestOfSpeedup, speedup, chosenSpeedup, threads: chosen, load } = threads;
    lines.push(
      `two threads on ${model}: ${bestOfSpeedup.toFixed(2)} times as fast by the shortest times, ${speedup.toFixed(2)} by medians, at a load of ${load.toFixed(1)}; the planner chose ${chosen}: ${chosenSpeedup.toFixed(2)} (wanted ≥ 1.5 on a quiet machine; the choice ≥ 0.97)`,
    );
  }
  return lines.join('\n');
}

/** Where a model is slower than its peer: the kernel that takes most of its time. */
function slowest({ model, work, runnables }: Measured): string[] {
  return PEERS.flatMap((peer) => {
    const ratio = ratioOf(work, 'tuned', peer);
    const limit = peer === 'onnxruntime-web' ? 1 : 2;
    if (!ratio || ratio.median <= limit) return [];
    const { name, share } = (runnables.get('tuned') as Runnable).slowest();
    return [`${model}: ${ratio.median.toFixed(2)} times ${peer}; most of it in ${name} (${(100 * share).toFixed(0)} %)`];
  });
}
