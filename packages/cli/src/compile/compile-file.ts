import {
  badInput,
  type CompileOptions,
  type CompileResult,
  type Constraint,
  choiceId,
  DependenceAnalyzer,
  HardwareTarget,
  type Loaded,
  type PipelineConfig,
  type Session,
} from '@regrain/core-ir';
import type { Arithmetic } from '@regrain/hw-wasm';
import type { ConfigFile } from '../config-file.js';
import {
  DEFAULT_DECOMPOSE_TUNED,
  DEFAULT_DECOMPOSE_WITHIN_MACS,
  DEFAULT_INPUT,
  DEFAULT_MOVE,
  DEFAULT_MOVE_BETWEEN_SPACES,
  DEFAULT_OBJECTIVE,
  DEFAULT_PIPELINE,
  DEFAULT_SEED,
  DEFAULT_TARGET,
  DEFAULT_TRACE_DECOMPOSE,
  TUNED_OBJECTIVE,
} from '../default-pipeline.js';
import { allowRelaxedSimd } from '../execute/relaxed-simd.js';
import { isMachineFile, openSession, readMachine } from '../open-session.js';
import { mergePipeline, type PipelineFlags } from '../options/pipeline.js';
import type { Terminal } from '../output/terminal.js';
import { showProgress } from '../progress.js';
import { adjacencyFigures } from './adjacency.js';
import { movedBoundBytes } from './moved-bound.js';
import { reuseDependences } from './reuse.js';
import { reuseDistanceOf } from './reuse-distance.js';
import { type Summary, summaryOf } from './summary.js';

/** Of `--math`. */
export const MATH_HELP =
  'exact (default): floats to the same bits on every machine and by every decomposition; fast: fused operations and short convolutions (--target wasm)';

/** What the command line says of a compile, as parsed. */
export interface CompileFlags extends PipelineFlags {
  readonly target?: string;
  /** Engines of a target that has the option `threads`. */
  readonly threads?: number;
  /** Plans are timed by real runs on the target. */
  readonly tune?: boolean;
  /** Of a target that has the option `math`. */
  readonly math?: Arithmetic;
  readonly objective?: string;
  readonly config?: string;
  readonly maxMacFactor?: number;
  readonly capacity?: Readonly<Record<string, number>>;
  readonly dim?: Readonly<Record<string, number>>;
  readonly shape?: Readonly<Record<string, readonly number[]>>;
  readonly input?: CompileOptions['input'];
  readonly seed?: number;
  /** How much higher the plan may be, as a share, for adjacency. */
  readonly adjacency?: number;
  /** Seconds for searching. */
  readonly budget?: number;
}

export interface CompiledFile {
  readonly session: Session;
  readonly result: CompileResult;
  readonly summary: Summary;
  readonly target: CompileOptions['target'];
}

/** Loads a model or a trace and plans it; `name` is what the summary calls it. */
export async function compileFile(path: string, name: string, flags: CompileFlags, terminal: Terminal): Promise<CompiledFile> {
  const began = performance.now();
  const opened = await open(flags, terminal);
  const loaded = await opened.session.load(path, { dims: flags.dim ?? {}, shapes: flags.shape ?? {} });
  return plan({ ...opened, name, loaded, flags, terminal, began, loadMs: performance.now() - began });
}

/** The same for a program that is at hand. */
export async function compileLoaded(name: string, loaded: Loaded, flags: CompileFlags, terminal: Terminal): Promise<CompiledFile> {
  return plan({ ...(await open(flags, terminal)), name, loaded, flags, terminal, began: performance.now(), loadMs: 0 });
}

/** The session that a compile with these flags works in. */
export function open(flags: CompileFlags, terminal: Terminal): ReturnType<typeof openSession> {
  return openSession(flags.config, terminal, flags.target !== undefined && isMachineFile(flags.target) ? [flags.target] : []);
}

interface Job {
  readonly session: Session;
  readonly file: ConfigFile;
  readonly name: string;
  readonly loaded: Loaded;
  readonly flags: CompileFlags;
  readonly terminal: Terminal;
  readonly began: number;
  readonly loadMs: number;
}

async function plan({ session, file, name, loaded, flags, terminal, began, loadMs }: Job): Promise<CompiledFile> {
  const options = optionsOf(session, file, loaded, flags, terminal);
  const result = await session.compile(loaded, options);
  const compiled = performance.now();
  const accountings = await session.accountings(result, options);
  const accounted = performance.now();
  const reuse = await reuseDependences(result.plan, session.make(DependenceAnalyzer, options.pipeline.analyze));
  const summary = summaryOf({
    model: name,
    target: result.plan.machine.name,
    objective: choiceId(options.objective),
    input: options.input,
    result,
    accountings,
    reuseDependences: reuse,
    movedBoundBytes: movedBoundBytes(result.plan),
    adjacency: adjacencyFigures(result.plan),
    ...(result.apart ? { apart: adjacencyFigures(result.apart.plan) } : {}),
    reuseDistance: reuseDistanceOf(result.plan),
    elapsedMs: {
      load: loadMs,
      ...result.elapsedMs,
      accountings: accounted - compiled,
      reuse: performance.now() - accounted,
      total: performance.now() - began,
    },
  });
  return { session, result, summary, target: options.target };
}

/** Flags over the config file over the defaults. */
export function optionsOf(
  session: Session,
  { config }: ConfigFile,
  loaded: Loaded,
  flags: CompileFlags,
  terminal: Terminal,
): CompileOptions {
  const target =
    flags.target === undefined
      ? (config.target ?? DEFAULT_TARGET)
      : isMachineFile(flags.target)
        ? readMachine(flags.target).name
        : flags.target;
  const chosen = withOptions(session, target, {
    ...(flags.threads === undefined || flags.threads === 1 ? {} : { threads: flags.threads }),
    ...(flags.tune ? { measure: true } : {}),
    ...(flags.math ? { math: flags.math } : {}),
  });
  if (mathOf(chosen) === 'fast') allowRelaxedSimd();
  const { machine } = session.make(HardwareTarget, chosen);
  const limited = flags.capacity !== undefined || machine.spaces.some(({ counted, bytes }) => counted && Number.isFinite(bytes));
  const moves = machine.engines.some(({ runs }) => runs === 'moves') && machine.spaces.length > 1 && limited;
  const defaults: PipelineConfig = {
    ...DEFAULT_PIPELINE,
    ...(loaded.program.trace
      ? { decompose: DEFAULT_TRACE_DECOMPOSE }
      : flags.maxMacFactor !== undefined
        ? { decompose: DEFAULT_DECOMPOSE_WITHIN_MACS }
        : flags.tune
          ? { decompose: DEFAULT_DECOMPOSE_TUNED }
          : {}),
    move: moves ? DEFAULT_MOVE_BETWEEN_SPACES : DEFAULT_MOVE,
  };
  return {
    pipeline: mergePipeline(flags, config.pipeline ?? {}, defaults),
    target: chosen,
    objective: flags.objective ?? config.objective ?? (flags.tune ? TUNED_OBJECTIVE : DEFAULT_OBJECTIVE),
    constraints: [...config.constraints, ...constraintsOf(flags)],
    input: flags.input ?? config.input ?? DEFAULT_INPUT,
    seed: flags.seed ?? config.seed ?? DEFAULT_SEED,
    ...(flags.adjacency === undefined ? {} : { adjacency: flags.adjacency }),
    ...(flags.budget === undefined ? {} : { budgetMs: 1000 * flags.budget }),
    progress: showProgress(terminal),
  };
}

/** The arithmetic that a target is to use. */
export function mathOf(target: CompileOptions['target']): Arithmetic {
  return typeof target !== 'string' && target.options?.math === 'fast' ? 'fast' : 'exact';
}

/** A target with options that it must have; `bad-input` where it has not. */
function withOptions(
  session: Session,
  target: CompileOptions['target'],
  options: Readonly<Record<string, unknown>>,
): CompileOptions['target'] {
  if (Object.keys(options).length === 0) return target;
  const id = choiceId(target);
  const found = session.contributions(HardwareTarget).find((contribution) => contribution.id === id);
  for (const name of Object.keys(options)) {
    if (found && !(name in found.options.shape))
      throw badInput(`target ${id} has no option ${name}: it does not really run; --target wasm does`);
  }
  return { id, options: { ...(typeof target === 'string' ? {} : target.options), ...options } };
}

function constraintsOf({ capacity = {}, maxMacFactor }: CompileFlags): Constraint[] {
  const limits = Object.entries(capacity).map(([space, bytes]): Constraint => ({ kind: 'capacity', space, bytes }));
  return maxMacFactor === undefined ? limits : [...limits, { kind: 'mac-factor', max: maxMacFactor }];
}
