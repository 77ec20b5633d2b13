import { readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { findModel } from './find-model.js';
import { MEMORY_REFERENCES } from './memory-references.js';
import { feedsOf, type OnnxPackage, openOnnxRuntime } from './onnx-runtime.js';
import { type Contender, geometricMean, inTurn, type Rounds, ratioOf, summaryOf } from './paired.js';
import { type BenchOptions, type BenchResult, type BenchRow, type PlanKind, type Runnable, row, type Suite } from './suite.js';
import { textTable } from './text-table.js';

const KINDS: readonly PlanKind[] = ['regions', 'tuned', 'whole'];
const PEERS: readonly OnnxPackage[] = ['onnxruntime-web', 'onnxruntime-node'];
const MODELS = [...MEMORY_REFERENCES.map(({ model, freeze }) => ({ model, freeze })), { model: 'mnist_opt', freeze: [] }];
const ROUNDS = 7;
const BUDGET_MS = 5000;

/** One model, measured. */
interface Measured {
  readonly model: string;
  readonly integer: boolean;
  readonly runnables: ReadonlyMap<PlanKind, Runnable>;
  readonly rounds: Rounds;
}

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

async function measure(model: string, path: string, freeze: readonly string[], { runner }: BenchOptions): Promise<Measured> {
  const runnables = new Map<PlanKind, Runnable>();
  for (const kind of KINDS) runnables.set(kind, await runner.prepare(path, freeze, kind));
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
  const rounds = await inTurn(contenders, ROUNDS, BUDGET_MS);
  for (const each of close) await each();
  return { model, integer: model.includes('_qdq'), runnables, rounds };
}

function rowsOf({ model, rounds, runnables }: Measured): BenchRow[] {
  const rows: BenchRow[] = [];
  for (const kind of KINDS) {
    for (const peer of [...PEERS, 'whole']) {
      const [ours, theirs] = [rounds.get(kind), rounds.get(peer)];
      const ratio = kind === peer ? undefined : ratioOf(rounds, kind, peer);
      if (!ours || !theirs || !ratio) continue;
      const paired = row(model, `time, ${kind}`, 'ms', summaryOf(ours).median, summaryOf(theirs).median, peer, ratio.spread);
      rows.push({ ...paired, ratio: ratio.median });
    }
  }
  const arena = (kind: PlanKind): number => runnables.get(kind)?.arenaBytes ?? 0;
  rows.push(row(model, 'arena', 'bytes', arena('regions'), arena('whole'), 'whole tensors'));
  rows.push(row(model, 'arena, tuned', 'bytes', arena('tuned'), arena('whole'), 'whole tensors'));
  return rows;
}

/** Of integers and of floats: ours ÷ theirs. */
const RATIOS: readonly (readonly [PlanKind, string])[] = [
  ['tuned', 'onnxruntime-web'],
  ['tuned', 'onnxruntime-node'],
  ['regions', 'onnxruntime-web'],
  ['regions', 'whole'],
  ['tuned', 'whole'],
];

function text(measured: readonly Measured[]): string {
  const ms = (rounds: Rounds, name: string): string => {
    const times = rounds.get(name);
    return times ? summaryOf(times).median.toPrecision(3) : '-';
  };
  const ratio = (rounds: Rounds, ours: string, theirs: string): string => {
    const found = ratioOf(rounds, ours, theirs);
    return found ? `${found.median.toFixed(2)} ±${(50 * found.spread).toFixed(0)}%` : '-';
  };
  const lines = measured.map(({ model, rounds, runnables }) => [
    model,
    ...[...KINDS, ...PEERS].map((name) => ms(rounds, name)),
    ...RATIOS.map(([ours, theirs]) => ratio(rounds, ours, theirs)),
    ((runnables.get('regions')?.arenaBytes ?? 0) / (runnables.get('whole')?.arenaBytes || 1)).toFixed(3),
  ]);
  for (const [name, integer] of [['integer models', true] as const, ['float models', false] as const]) {
    const of = measured.filter((each) => each.integer === integer);
    if (of.length < 2) continue;
    const mean = ([ours, theirs]: readonly [string, string]): string => {
      const found = of.flatMap(({ rounds }) => ratioOf(rounds, ours, theirs)?.median ?? []);
      return found.length === 0 ? '-' : geometricMean(found).toFixed(2);
    };
    lines.push([`${name}, geometric mean`, ...[...KINDS, ...PEERS].map(() => ''), ...RATIOS.map(mean), '']);
  }
  const header = [
    'model',
    'regions',
    'tuned',
    'whole',
    'web',
    'node',
    ...RATIOS.map(([a, b]) => `${a}÷${b.replace('onnxruntime-', '')}`),
    'arena',
  ];
  const machine = `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, load ${loadavg()[0].toFixed(1)}, Node ${process.version}`;
  return `Inference on one thread, ms (medians of runs in turn; ± half the spread between quartiles); arena: regions ÷ whole tensors\n${machine}\n\n${textTable(header, lines)}`;
}

/** Where a model is slower than its peer: the kernel that takes most of its time. */
function slowest({ model, rounds, runnables }: Measured): string[] {
  return PEERS.flatMap((peer) => {
    const ratio = ratioOf(rounds, 'tuned', peer);
    const limit = peer === 'onnxruntime-web' ? 1 : 2;
    if (!ratio || ratio.median <= limit) return [];
    const { name, share } = (runnables.get('tuned') as Runnable).slowest();
    return [`${model}: ${ratio.median.toFixed(2)} times ${peer}; most of it in ${name} (${(100 * share).toFixed(0)} %)`];
  });
}
