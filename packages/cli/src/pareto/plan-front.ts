import {
  type Choice,
  type CompileOptions,
  type CompileResult,
  choiceId,
  choicesOf,
  countedBytes,
  HardwareTarget,
  type Loaded,
  type Machine,
  type PipelineConfig,
  type Session,
  withInputs,
} from '@regrain/core-ir';
import { frontOf, searchOptions } from '@regrain/decompose';

/** One plan of the memory/compute front. */
export interface PlannedPoint {
  readonly macFactor: number;
  readonly arenaBytes: number;
  readonly peakBytes: number;
  /** What the cost model foresaw. */
  readonly estimatedBytes: number;
  readonly tasks: number;
  readonly elapsedMs: number;
  readonly result: CompileResult;
}

export interface PlannedFront {
  /** Ascending in MACs, descending in bytes of arena: those that no other plan beats. */
  readonly points: readonly PlannedPoint[];
  /** How many were planned. */
  readonly tried: number;
  /** Peak of the best whole-tensor plan. */
  readonly tensorPeakBytes: number;
  readonly searchMs: number;
}

export interface FrontRequest {
  readonly session: Session;
  readonly loaded: Loaded;
  /** As for one compile; the decomposer, the loop and the limit of MACs are the front's own. */
  readonly options: CompileOptions;
  readonly maxMacFactor: number;
  /** Plans at most; or a few plans for each of these factors of multiply-accumulates. */
  readonly points: number | readonly number[];
  readonly progress: (line: string) => void;
}

/** Points of the front are worth a plan where they are foreseen to take this much less than the one before. */
const STEP = 0.97;

/** Plans points of the searched front, each verified, and keeps those that execution confirms. */
export async function planFront(request: FrontRequest): Promise<PlannedFront> {
  const { session, loaded, options, progress } = request;
  const { program } = loaded;
  const constraints = options.constraints.filter(({ kind }) => kind !== 'mac-factor');
  const { machine } = session.make(HardwareTarget, options.target);
  const choice = choicesOf(options.pipeline.decompose).find((each) => choiceId(each) === SEARCH);
  const { points } = request;
  const own = searchOptions.parse({
    ...(typeof points === 'number' ? {} : { factors: points }),
    ...(typeof choice === 'object' ? (choice.options as object) : {}),
  });
  const began = performance.now();
  progress('searching the front');
  const signal = options.signal ?? new AbortController().signal;
  const front = frontOf(
    program,
    { constraints: withInputs(program, constraints, options.input), machine, signal },
    own,
    request.maxMacFactor,
  );
  const searchMs = performance.now() - began;
  const chosen = typeof points === 'number' ? worthPlanning(front, points) : worthWithin(front, points);
  const planned: PlannedPoint[] = [];
  let tensorPeakBytes = 0;
  for (const [k, point] of chosen.entries()) {
    const foreseen = front[point];
    progress(`plan ${k + 1} of ${chosen.length}, ${foreseen.macFactor.toFixed(2)} of the multiply-accumulates`);
    const started = performance.now();
    const decompose: Choice = { id: SEARCH, options: { ...own, maxMacFactor: request.maxMacFactor, point } };
    const pipeline = { ...options.pipeline, adjust: undefined };
    // A front is of bytes and work: laying regions side by side would take a third of its time.
    const compiled = (how: Pick<PipelineConfig, 'decompose' | 'allocate'>): Promise<CompileResult> =>
      session.compile(loaded, { ...options, constraints, pipeline: { ...pipeline, ...how }, adjacency: false, progress: undefined });
    const first = choicesOf(options.pipeline.allocate);
    const allocate = [...first, ...SECOND.filter((id) => !first.some((each) => choiceId(each) === id))];
    let result = await compiled({ decompose, allocate });
    const orElse = async (how: Pick<PipelineConfig, 'decompose' | 'allocate'>): Promise<void> => {
      const other = await compiled(how);
      if (arenaOf(other, machine) < arenaOf(result, machine)) result = other;
    };
    if (isLoose(result, machine)) {
      const wide: Choice = { id: SEARCH, options: { ...own, columns: WIDE, maxMacFactor: foreseen.macFactor } };
      const lowest = arenaOf(result, machine) * CLIMBED;
      const few = result.plan.decomposition.tasks.length <= FEW_TASKS;
      await orElse({ decompose: wide, allocate });
      const beaten = planned.some(({ macFactor, arenaBytes }) => macFactor <= foreseen.macFactor && arenaBytes <= lowest);
      if (few && !beaten && lowest < arenaOf(result, machine)) await orElse({ decompose, allocate: THOROUGH });
    }
    const { metrics, decomposition } = result.plan;
    tensorPeakBytes = countedBytes(result.baseline.plan.metrics.peakBytes, machine);
    planned.push({
      macFactor: metrics.macs / Math.max(1, result.baseline.plan.metrics.macs),
      arenaBytes: countedBytes(metrics.arenaBytes, machine),
      peakBytes: countedBytes(metrics.peakBytes, machine),
      estimatedBytes: Math.round(foreseen.bytes),
      tasks: decomposition.tasks.length,
      elapsedMs: performance.now() - started,
      result,
    });
  }
  return { points: notBeaten(planned), tried: planned.length, tensorPeakBytes, searchMs };
}

const SEARCH = 'search';

/** Placed by these, too: which one leaves fewer holes depends on the plan. */
const SECOND = ['first-fit'];
/** Tries many orders, which takes longer than all else. */
const THOROUGH = 'squeaky-wheel';
/** To this share of the arena, at best: where that would not be the best, it is not tried. */
const CLIMBED = 0.9;
/** Of so many tasks that takes seconds. */
const FEW_TASKS = 8192;
/** Fewer, wider tiles leave fewer holes. */
const WIDE = [16, 32];
/** The arena is so much higher than its live bytes that this may pay. */
const LOOSE = 1.02;

function arenaOf({ plan }: CompileResult, machine: Machine): number {
  return countedBytes(plan.metrics.arenaBytes, machine);
}

function isLoose(result: CompileResult, machine: Machine): boolean {
  return arenaOf(result, machine) > LOOSE * countedBytes(result.plan.metrics.peakBytes, machine);
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
