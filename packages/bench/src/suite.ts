import type { Choice, Grain, InputAccess, LowerBound, Program, Values } from '@regrain/core-ir';

/** One measured figure beside its peer or bound. `ratio` is ours ÷ peer; `spread` the range of repeated runs ÷ their median, 0 where nothing varies. */
export interface BenchRow {
  readonly case: string;
  readonly metric: string;
  readonly unit: string;
  readonly ours: number;
  readonly peer: number | null;
  readonly peerName: string;
  readonly ratio: number | null;
  readonly spread: number;
}

export interface BenchResult {
  readonly suite: string;
  readonly rows: readonly BenchRow[];
  /** The same for a person. */
  readonly text: string;
  /** What was not reached or could not run, a line each. */
  readonly notes: readonly string[];
  /** A result is wrong, which no speed makes good: the command ends with 1. */
  readonly wrong?: boolean;
}

/**
 * `whole`: the best plan by whole tensors; `regions`: the default one, of least memory; `tuned`: the fastest by measured runs. Their
 * arithmetic is exact, but for `fast` (tuned) and `fast whole`.
 */
export type PlanKind = 'whole' | 'regions' | 'tuned' | 'fast' | 'fast whole';

/** A model that is ready to run on our own kernels. */
export interface Runnable {
  readonly program: Program;
  readonly inputs: ReadonlyMap<string, Values>;
  readonly arenaBytes: number;
  /** Constants and tables, kept apart from the arena. */
  readonly constantBytes: number;
  /** Bytes of the module's memory, in pages of 64 KiB. */
  readonly memoryBytes: number;
  /** What the plan says its arena takes. */
  readonly plannedBytes: number;
  run(): void;
  /** Bytes from the memory's start to the last one that two runs, over different fillings of what lies before the constants, change. */
  touchedBytes(): number;
  /** The kernel that takes most of the time, and its share. */
  slowest(): { readonly name: string; readonly share: number };
}

/** Milliseconds of a fresh process, from the first import to the first result. */
export interface FirstResult {
  readonly importMs: number;
  readonly readMs: number;
  readonly loadMs: number;
  readonly runMs: number;
}

/** What a plan computes, its free memory overwritten before. */
export interface Computed {
  readonly outputs: ReadonlyMap<string, Values>;
  readonly tasks: number;
  /** That really ran. */
  readonly threads: number;
  /** Sums are taken in parts, so floats may be rounded in another order. */
  readonly partialSums: boolean;
}

export interface FrontOptions {
  /** Arguments that freeze open dimensions. */
  readonly freeze: readonly string[];
  readonly input: InputAccess;
  readonly target: string;
  /** Of multiply-accumulates: a plan is made for each. */
  readonly factors: readonly number[];
  /** Widths of tiles to choose from; absent: the decomposer's own. */
  readonly columns?: readonly number[];
  readonly progress: (line: string) => void;
}

export interface Front {
  readonly points: readonly {
    readonly macFactor: number;
    readonly arenaBytes: number;
    readonly peakBytes: number;
    readonly tasks: number;
  }[];
  readonly searchMs: number;
  /** No plan without recomputation is below it. */
  readonly bound: LowerBound;
  /** Peak of the best plan by whole tensors. */
  readonly tensorPeakBytes: number;
  /** Plans that are not verified. */
  readonly faults: readonly string[];
}

export interface MovementOptions {
  readonly target: string;
  /** The working space, and what it may hold. */
  readonly space: string;
  readonly capacity: number;
  /** Where outputs go. */
  readonly below: string;
  readonly maxMacFactor: number;
}

export interface MovementPlan {
  readonly program: Program;
  /** Beside inputs that arrive and outputs that are written where they are at home. */
  readonly movedBytes: number;
  readonly arenaBytes: number;
  readonly macFactor: number;
  readonly verified: boolean;
}

/** Runs models, for suites that need more than the command's own output. */
export interface ModelRunner {
  /** A tensor file (.pb). */
  readTensor(path: string): Values;
  interfaceOf(model: string): { readonly inputs: readonly string[]; readonly outputs: readonly string[] };
  /** The outputs by name; errors with the code `unsupported` or `bad-input` where the model is refused. */
  run(model: string, inputs: ReadonlyMap<string, Values>): Promise<ReadonlyMap<string, Values>>;
  /** Plans a model, its open dimensions frozen by these arguments, with seeded random inputs. */
  prepare(model: string, freeze: readonly string[], kind: PlanKind): Promise<Runnable>;
  /** The plan of least movement where a space holds less than the peak; streamed inputs, outputs written to the space below. */
  movement(source: string | Program, options: MovementOptions): Promise<MovementPlan>;
  /** Runs a model on seeded random inputs by a decomposition on so many threads. */
  compute(model: string, freeze: readonly string[], decompose: Choice, threads: number): Promise<Computed>;
  /** Starts a compiled plan (the folder that `compile --out` wrote) in a process of its own; undefined where it needs an operator set. */
  firstResult(folder: string): FirstResult | undefined;
  /** Plans of the memory/compute front of a model or of a program. */
  front(source: string | Program, options: FrontOptions): Promise<Front>;
}

/** One packing, as the command makes it. */
export interface Allocation {
  readonly buffers: number;
  readonly loadBound: number;
  /** Reached, or the best that does not fit. */
  readonly height: number;
  readonly solved: boolean;
  readonly proof: 'lowest' | 'none exists' | '-';
  readonly nodes: number;
  /** Of the placing alone. */
  readonly cpuMs: number;
}

export interface OrderingOptions {
  readonly freeze: readonly string[];
  readonly input: InputAccess;
  /** `whole`: one task per operation. `regions`: cut as `compile` does by default. */
  readonly cut: 'whole' | 'regions';
  /** Ids, with options where they are not the defaults. */
  readonly schedulers: readonly Choice[];
}

/** The order that one scheduler gives. */
export interface Ordering {
  readonly scheduler: string;
  /** Of live bytes, by the mover's count, not the scheduler's. */
  readonly peakBytes: number;
  /** Proved by the scheduler: no order is below. */
  readonly boundBytes?: number;
  /** Mean reuse distance in bytes. */
  readonly reuseBytes: number;
  readonly ms: number;
}

/** Orders of the tasks of one program. */
export interface Orderings {
  readonly tasks: number;
  readonly orders: readonly Ordering[];
}

/** Milliseconds of processor time by stage, in their order. */
export type StageTimes = Readonly<Record<string, number>>;

export interface BenchOptions {
  /** How to start the regrain command: program and first arguments. */
  readonly command: readonly string[];
  /** Folders in which models are looked for, first match first. */
  readonly models: readonly string[];
  /** Folders of ONNX conformance cases: a folder per case, with model.onnx and test_data_set_0. */
  readonly cases: readonly string[];
  readonly runner: ModelRunner;
  /** Folders or files of buffers to place (MinimAlloc's CSV). */
  readonly instances: readonly string[];
  /** MinimAlloc's program, to be run beside. */
  readonly minimalloc?: string;
  /** Places a file's buffers by the default allocator: within the capacity, or as low as it gets. */
  readonly allocate: (path: string, capacity?: number) => Promise<Allocation>;
  /** Orders the tasks of a model or a program by several schedulers. */
  readonly order: (source: string | Program, options: OrderingOptions) => Promise<Orderings>;
  /** Takes a program of a given grain through all stages; `progress` names the one that begins. */
  readonly stages: (program: Program, grain: Grain, progress: (stage: string) => void) => Promise<StageTimes>;
  /** Only cases whose name contains one of these; all if empty. */
  readonly only: readonly string[];
  readonly progress: (line: string) => void;
}

export interface Suite {
  readonly name: string;
  readonly description: string;
  run(options: BenchOptions): Promise<BenchResult>;
}

export function row(name: string, metric: string, unit: string, ours: number, peer: number | null, peerName: string, spread = 0): BenchRow {
  return { case: name, metric, unit, ours, peer, peerName, ratio: peer === null ? null : ours / peer, spread };
}
