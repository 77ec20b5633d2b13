import {
  type CompileOptions,
  choiceId,
  choicesOf,
  HardwareTarget,
  type Loaded,
  RegrainError,
  type Session,
  withInputs,
} from '@regrain/core-ir';
import { type FrontPoint, frontOf, type SearchOptions, searchOptions } from '@regrain/decompose';
import { DEFAULT_OBJECTIVE } from '../default-pipeline.js';
import type { SessionSource } from '../open-session.js';
import { type GrainPlanner, planGrain } from './plan-grain.js';
import { type PlannedPoint, PointPlanner, SEARCH, STEP, WINDOW } from './point-planner.js';
import { openThreads } from './threads.js';

export interface PlannedFront {
  /** Ascending in MACs, descending in bytes of arena: those that no other plan beats. */
  readonly points: readonly PlannedPoint[];
  /** How many points of the searched front were planned. */
  readonly tried: number;
  /** Peak of the best whole-tensor plan. */
  readonly tensorPeakBytes: number;
  readonly searchMs: number;
}

export interface FrontRequest {
  readonly session: Session;
  /** How to open that session again in a thread; absent: everything is planned here. */
  readonly source?: SessionSource;
  readonly loaded: Loaded;
  /** As for one compile; the decomposer, the loop and the limit of MACs are the front's own. */
  readonly options: CompileOptions;
  readonly maxMacFactor: number;
  /** Plans at most; or a few plans for each of these factors of multiply-accumulates. */
  readonly points: number | readonly number[];
  /** The plans' texts are wanted. */
  readonly texts?: boolean;
  readonly progress: (line: string) => void;
}

/** Plans points of the searched front, each verified, and keeps those that execution confirms. The same front by any number of threads. */
export async function planFront(request: FrontRequest): Promise<PlannedFront> {
  const { session, loaded, points } = request;
  const constraints = request.options.constraints.filter(({ kind }) => kind !== 'mac-factor');
  const { machine } = session.make(HardwareTarget, request.options.target);
  // A front is of bytes and work: laying regions side by side would take a third of its time.
  const pipeline = { ...request.options.pipeline, adjust: undefined };
  // Cycles are in the plans' texts; for the default objective they decide between plans of as many bytes only.
  const untimed = !request.texts && choiceId(request.options.objective) === DEFAULT_OBJECTIVE;
  const options: CompileOptions = { ...request.options, constraints, pipeline, adjacency: false, untimed, progress: undefined };
  const threads = request.source && openThreads({ source: request.source, loaded, options, machine }, WINDOW);
  const planner = threads ?? oneByOne((job) => planGrain(session, loaded, options, machine, job));
  try {
    const choice = choicesOf(pipeline.decompose).find((each) => choiceId(each) === SEARCH);
    const own = searchOptions.parse({
      ...(typeof points === 'number' ? {} : { factors: points }),
      ...(typeof choice === 'object' ? (choice.options as object) : {}),
    });
    const signal = options.signal ?? new AbortController().signal;
    const context = { constraints: withInputs(loaded.program, constraints, options.input), machine, signal };
    const search = (how: SearchOptions, factor = request.maxMacFactor): readonly FrontPoint[] =>
      frontOf(loaded.program, context, how, factor);
    const began = performance.now();
    request.progress('searching the front');
    const front = search(own);
    const searchMs = performance.now() - began;
    const chosen = typeof points === 'number' ? worthPlanning(front, points) : worthWithin(front, points);
    const allocate = choicesOf(pipeline.allocate);
    const { maxMacFactor, texts = false, progress } = request;
    const { planned, why } = await new PointPlanner({ own, maxMacFactor, search, allocate, texts, progress }, planner).plan(chosen);
    if (planned.length === 0) throw new RegrainError('infeasible', why);
    return { points: notBeaten(planned), tried: chosen.length, tensorPeakBytes: planned[0].tensorPeakBytes, searchMs };
  } finally {
    await planner.close();
  }
}

/** Here, one after the other. */
function oneByOne(plan: GrainPlanner['plan']): GrainPlanner {
  let last: Promise<unknown> = Promise.resolve();
  return {
    plan(job) {
      const next = last.then(() => plan(job));
      last = next.catch(() => {});
      return next;
    },
    close: async () => {},
  };
}

/** Positions in the front: the ends, and between them those that save enough; evenly thinned to `most`. */
export function worthPlanning(front: readonly { readonly bytes: number }[], most: number): number[] {
  const kept: number[] = [];
  front.forEach(({ bytes }, k) => {
    const last = kept.at(-1);
    if (last === undefined || k === front.length - 1 || bytes <= front[last].bytes * STEP) kept.push(k);
  });
  if (kept.length <= most) return kept;
  return Array.from({ length: most }, (_, k) => kept[Math.round((k * (kept.length - 1)) / Math.max(1, most - 1))]);
}

/** Plans for one factor: estimates are a few per cent off, and what is foreseen to take a little more may be planned with less. */
const TRIED = 3;

/**
 * Positions in the front: of those within each factor the last, and before it those that are foreseen to take so much more than the next.
 * One that spends what the one before it leaves is planned besides.
 */
export function worthWithin(
  front: readonly { readonly bytes: number; readonly macFactor: number; readonly spending?: boolean }[],
  factors: readonly number[],
): number[] {
  const kept = new Set<number>();
  for (const factor of factors) {
    let least = 0;
    let left = TRIED;
    for (let k = front.findLastIndex(({ macFactor }) => macFactor <= factor + 1e-9); k >= 0 && left > 0; k--) {
      if (!front[k].spending && front[k].bytes * STEP < least) continue;
      kept.add(k);
      if (front[k].spending) continue;
      least = front[k].bytes;
      left--;
    }
  }
  return [...kept].sort((a, b) => a - b);
}

/** Ascending in MACs, each with fewer bytes than all before. */
export function notBeaten<T extends { readonly macFactor: number; readonly arenaBytes: number }>(points: readonly T[]): T[] {
  const sorted = points.toSorted((a, b) => a.macFactor - b.macFactor || a.arenaBytes - b.arenaBytes);
  let least = Number.POSITIVE_INFINITY;
  return sorted.filter(({ arenaBytes }) => {
    if (arenaBytes >= least) return false;
    least = arenaBytes;
    return true;
  });
}
