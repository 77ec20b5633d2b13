import type { ModelRunner, PlanKind, Runnable } from '@regrain/bench';
import {
  type CompileOptions,
  countedBytes,
  HardwareTarget,
  type Loaded,
  lowerBound,
  OperatorSet,
  type Session,
  type Values,
  withInputs,
} from '@regrain/core-ir';
import { interfaceOf, readTensorFile } from '@regrain/frontend-onnx';
import { emitWasm, evaluatorOf, ThreadedSession, WasmSession } from '@regrain/hw-wasm';
import { mathOf } from '../compile/compile-file.js';
import {
  DEFAULT_DECOMPOSE_TUNED,
  DEFAULT_INPUT,
  DEFAULT_MOVE,
  DEFAULT_MOVE_BETWEEN_SPACES,
  DEFAULT_PIPELINE,
  DEFAULT_SEED,
  TUNED_OBJECTIVE,
} from '../default-pipeline.js';
import type { OpenSession } from '../open-session.js';
import { dim, shape } from '../options/parse.js';
import { planFront } from '../pareto/plan-front.js';
import { firstResult } from './first-result.js';
import { inputsFor } from './inputs.js';
import { profileOf } from './profile.js';
import { allowRelaxedSimd } from './relaxed-simd.js';

/** The plainest plan: whole tensors in the model's order. */
const PLAIN = {
  decompose: 'whole-tensor',
  analyze: 'region-index',
  schedule: 'program-order',
  move: 'one-space',
  allocate: 'first-fit',
  iterations: 0,
} as const;

/** Tiles of one row, the halos shared on both sides: `search` counts outputs as held, which here go out at once. */
const TILED = [2, 4, 8].map((columns) => ({ id: 'bands', options: { columns, maxBands: 224 } }));

/** Tiles of one column on maps of up to 128 × 128: what is computed again is held in smaller pieces, and there are more tasks. */
const FINE = { id: 'search', options: { maxTiles: 128 * 128 } };

/** Runs small models on our own kernels. */
export function modelRunner({ session, source: opened }: Pick<OpenSession, 'session' | 'source'>): ModelRunner {
  const evaluateOpaque = evaluatorOf(session.contributions(OperatorSet).map(({ id }) => session.make(OperatorSet, id)));
  return {
    readTensor: readTensorFile,
    interfaceOf,
    async run(model, inputs) {
      const loaded = await loadBound(session, model, inputs);
      const { plan } = await session.compile(loaded, {
        pipeline: PLAIN,
        target: 'wasm',
        objective: 'peak',
        constraints: [],
        input: 'resident',
        seed: 1,
      });
      const wasm = await WasmSession.open(plan, loaded.constants, await emitWasm(plan, loaded.constants), { evaluateOpaque });
      const wanted = new Set(loaded.program.tensors.filter(({ kind }) => kind === 'input').map(({ name }) => name));
      return wasm.run(new Map([...inputs].filter(([name]) => wanted.has(name))));
    },
    async front(source, { freeze, input, target, factors, columns, progress }) {
      const loaded =
        typeof source === 'string' ? await session.load(source, freezeOf(freeze)) : { program: source, constants: new Uint8Array() };
      const regions = optionsFor('regions');
      const front = await planFront({
        session,
        source: opened,
        loaded,
        options: columns
          ? { ...regions, pipeline: { ...regions.pipeline, decompose: { id: 'search', options: { columns } } }, target, input }
          : { ...regions, target, input },
        maxMacFactor: Math.max(...factors),
        points: factors,
        progress,
      });
      const faults = front.points.flatMap(({ macFactor, verified }) =>
        verified ? [] : [`the plan at ${macFactor.toFixed(3)} is not verified`],
      );
      const { machine } = session.make(HardwareTarget, target);
      const bound = lowerBound(loaded.program, machine, withInputs(loaded.program, [], input));
      return { points: front.points, searchMs: front.searchMs, bound, tensorPeakBytes: front.tensorPeakBytes, faults };
    },
    async movement(source, { target, space, capacity, below, maxMacFactor }) {
      const loaded = typeof source === 'string' ? await session.load(source) : { program: source, constants: new Uint8Array() };
      const { tensors, outputs } = loaded.program;
      const { plan, baseline, faults, verifiedBy } = await session.compile(loaded, {
        ...optionsFor('regions'),
        pipeline: { ...DEFAULT_PIPELINE, decompose: ['search', FINE, ...TILED], iterations: 0, move: DEFAULT_MOVE_BETWEEN_SPACES },
        target,
        objective: 'moved',
        constraints: [
          { kind: 'capacity', space, bytes: capacity },
          { kind: 'mac-factor', max: maxMacFactor },
          ...outputs.map((id) => ({ kind: 'pin' as const, tensor: tensors[id].name, space: below })),
        ],
      });
      return {
        program: loaded.program,
        movedBytes: plan.metrics.movedBytes,
        arenaBytes: countedBytes(plan.metrics.arenaBytes, plan.machine),
        macFactor: plan.metrics.macs / baseline.plan.metrics.macs,
        verified: faults.length === 0 && verifiedBy.length > 0,
      };
    },
    firstResult,
    async compute(model, freeze, decompose, threads) {
      const loaded = await session.load(model, freezeOf(freeze));
      const schedule = threads > 1 ? ({ schedule: 'critical-path' } as const) : {};
      const { plan } = await session.compile(loaded, {
        ...optionsFor('regions'),
        pipeline: { ...DEFAULT_PIPELINE, decompose, ...schedule, iterations: 0, move: DEFAULT_MOVE },
        target: { id: 'wasm', options: { threads } },
        objective: 'peak',
      });
      const program = await emitWasm(plan, loaded.constants);
      const opener = program.lanes.length > 1 ? ThreadedSession : WasmSession;
      const opened = await opener.open(plan, loaded.constants, program, { evaluateOpaque, poison: FILLINGS[0] });
      try {
        const outputs = await opened.run(inputsFor(plan.program, {}, DEFAULT_SEED));
        const partialSums = plan.decomposition.grain.reduce.length > 0;
        return { outputs, tasks: plan.decomposition.tasks.length, threads: program.lanes.length, partialSums };
      } finally {
        await opened.close();
      }
    },
    async prepare(model, freeze, kind): Promise<Runnable> {
      const loaded = await session.load(model, freezeOf(freeze));
      const options = optionsFor(kind);
      const math = mathOf(options.target);
      if (math === 'fast') allowRelaxedSimd();
      const { plan } = await session.compile(loaded, options);
      const wasm = await WasmSession.open(plan, loaded.constants, await emitWasm(plan, loaded.constants, { math }), { evaluateOpaque });
      const inputs = inputsFor(plan.program, {}, DEFAULT_SEED);
      const { arenaBytes, data } = wasm.program;
      return {
        program: plan.program,
        inputs,
        arenaBytes,
        constantBytes: data.bytes.length,
        memoryBytes: wasm.memory.buffer.byteLength,
        plannedBytes: countedBytes(plan.metrics.arenaBytes, plan.machine),
        run: () => void wasm.run(inputs),
        touchedBytes: () => Math.max(...FILLINGS.map((filling) => lastChanged(wasm, inputs, filling))),
        slowest() {
          const { operators } = profileOf(plan, wasm.program, wasm.observe(inputs).seen);
          const total = operators.reduce((sum, { ms }) => sum + ms, 0);
          return { name: operators[0].name, share: operators[0].ms / total };
        },
      };
    },
  };
}

/** Bytes that no result is likely to consist of. */
const FILLINGS = [0xfa, 0x55];

/** Bytes up to the last one before the constants that a run changes. */
function lastChanged(wasm: WasmSession, inputs: ReadonlyMap<string, Values>, filling: number): number {
  const before = new Uint8Array(wasm.memory.buffer, 0, wasm.program.data.address).fill(filling);
  wasm.run(inputs);
  let end = before.length;
  while (end > 0 && before[end - 1] === filling) end--;
  return end;
}

/** What the command line would compile with. */
function optionsFor(kind: PlanKind): CompileOptions {
  const whole = kind.endsWith('whole') ? ({ decompose: 'whole-tensor', iterations: 0 } as const) : {};
  const measure = kind === 'tuned' || kind === 'fast';
  const tuned = measure ? { decompose: DEFAULT_DECOMPOSE_TUNED } : {};
  return {
    pipeline: { ...DEFAULT_PIPELINE, ...whole, ...tuned, move: DEFAULT_MOVE },
    target: { id: 'wasm', options: { measure, math: kind.startsWith('fast') ? 'fast' : 'exact' } },
    objective: measure ? TUNED_OBJECTIVE : 'peak',
    constraints: [],
    input: DEFAULT_INPUT,
    seed: DEFAULT_SEED,
  };
}

/** From arguments in pairs: `--dim N=1`, `--shape x=1,3,64,64`. */
export function freezeOf(args: readonly string[]): Parameters<Session['load']>[1] {
  let [dims, shapes] = [{}, {}] as [ReturnType<typeof dim>, ReturnType<typeof shape>];
  for (let k = 0; k < args.length; k += 2) {
    if (args[k] === '--dim') dims = dim(args[k + 1], dims);
    else shapes = shape(args[k + 1], shapes);
  }
  return { dims, shapes };
}

/**
 * Loads a model that may take as inputs what decides shapes (axes, sizes, pads): such inputs become constants. First none are bound, then
 * the integers behind the first input, then all but the first.
 */
export async function loadBound(session: Session, model: string, inputs: ReadonlyMap<string, Values>): Promise<Loaded> {
  const behind = [...inputs].slice(1);
  const attempts = [[], behind.filter(([, { dtype }]) => !dtype.startsWith('float')), behind];
  let first: unknown;
  for (const bound of attempts) {
    try {
      return await session.load(model, { dims: {}, shapes: {}, values: new Map(bound) });
    } catch (error) {
      first ??= error;
    }
  }
  throw first;
}
