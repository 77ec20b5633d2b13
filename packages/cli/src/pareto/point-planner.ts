import type { Choice } from '@regrain/core-ir';
import type { FrontPoint, SearchOptions } from '@regrain/decompose';
import { type GrainJob, type GrainPlan, type GrainPlanner, isPlan } from './plan-grain.js';

/** One plan of the memory/compute front. */
export interface PlannedPoint extends GrainPlan {
  /** What the cost model foresaw. */
  readonly estimatedBytes: number;
}

/** A front to plan points of. */
export interface Searched {
  readonly own: SearchOptions;
  readonly maxMacFactor: number;
  /** The front up to that factor or another, as the search with other options finds it. */
  readonly search: (how: SearchOptions, factor?: number) => readonly FrontPoint[];
  readonly allocate: readonly Choice[];
  /** The plans' texts are wanted. */
  readonly texts: boolean;
  readonly progress: (line: string) => void;
}

/** Points of the front are worth a plan where they are foreseen to take this much less than what is there. */
export const STEP = 0.97;

export const SEARCH = 'search';

/**
 * A point knows the plans of those that are so many before it, and waits for them: that many are planned at one time at most, and what is
 * given up depends on no thread's speed.
 */
export const WINDOW = 4;

/** Placed in the order of time, too: which order leaves fewer holes depends on the plan. */
const ALLOCATE = { id: 'best-fit', options: { orders: 4 } } satisfies Choice;
/** Tries many orders, which takes longer than all else. */
const THOROUGH = 'squeaky-wheel';
/** To this share of the arena, at best: where that would not be the best, it is not tried. */
const CLIMBED = 0.9;
/** Of so many tasks that takes seconds. */
const FEW_TASKS = 8192;
/** Fewer, wider tiles leave fewer holes. */
const WIDE = [16, 32];
/** What a plan takes of what was foreseen, at least. */
const FORESEEN = 0.85;
/** Without recomputation, a search with the narrower ones that foresees no more than this share may find a lower plan: estimates are a few per cent off. */
const ALIKE = 1.01;
/** The arena is so much higher than its live bytes that this may pay. */
const LOOSE = 1.02;

/** Plans points of a searched front: each as it is, and where its arena is loose or they seem no worse with wider tiles; a loose one is placed thoroughly, too. */
export class PointPlanner {
  private readonly allocate: readonly Choice[];

  constructor(
    private readonly searched: Searched,
    private readonly planner: GrainPlanner,
  ) {
    this.allocate = [...searched.allocate.filter((each) => each !== ALLOCATE.id), ALLOCATE];
  }

  /** The plans of the points at these positions, and why the last has none where it has none. */
  async plan(points: readonly number[]): Promise<{ readonly planned: readonly PlannedPoint[]; readonly why: string }> {
    const { progress } = this.searched;
    let why = 'there is nothing to plan';
    const done: Promise<readonly PlannedPoint[]>[] = [];
    for (const [k, point] of points.entries()) {
      const before = done.slice(0, Math.max(0, k + 1 - WINDOW));
      const next = async (): Promise<readonly PlannedPoint[]> => {
        const known = (await Promise.all(before)).flat();
        progress(`plan ${k + 1} of ${points.length}`);
        return this.one(point, known, (reason) => {
          // The last point takes the fewest bytes: it misses by the least.
          if (k === points.length - 1) why = reason;
        });
      };
      done.push(next());
    }
    return { planned: (await Promise.all(done)).flat(), why };
  }

  private async one(point: number, before: readonly PlannedPoint[], refused: (why: string) => void): Promise<readonly PlannedPoint[]> {
    const { own, search, maxMacFactor } = this.searched;
    const foreseen = search(own)[point];
    const made: PlannedPoint[] = [];
    const attempt = async (
      how: SearchOptions,
      position: number,
      allocate: readonly Choice[],
      factor = maxMacFactor,
    ): Promise<PlannedPoint | undefined> => {
      const { bytes } = search(how, factor)[position];
      const plan = await this.planner.plan(this.jobOf(how, factor, position, allocate, [...before, ...made]));
      if (!isPlan(plan)) {
        refused(plan.why);
        return undefined;
      }
      const planned = { ...plan, estimatedBytes: Math.round(bytes) };
      made.push(planned);
      return planned;
    };
    const first = await attempt(own, point, this.allocate);
    if (!first?.own) return made;
    const loose = first.arenaBytes > LOOSE * first.peakBytes;
    if (!loose && foreseen.macFactor > 1) return made;
    if (!loose) {
      const wide = { ...own, columns: WIDE.slice(0, 1) };
      if (search(wide, 1)[0].bytes < foreseen.bytes * ALIKE) await attempt(wide, 0, this.allocate, 1);
      return made;
    }
    const wide = { ...own, columns: WIDE };
    const position = search(wide).findLastIndex(({ macFactor }) => macFactor <= foreseen.macFactor + 1e-9);
    if (position >= 0 && search(wide)[position].bytes * FORESEEN < first.arenaBytes) await attempt(wide, position, this.allocate);
    const lowest = first.arenaBytes * CLIMBED;
    const beaten = [...before, ...made].some(({ macFactor, arenaBytes }) => macFactor <= foreseen.macFactor && arenaBytes <= lowest);
    if (first.tasks <= FEW_TASKS && !beaten) await attempt(own, point, [THOROUGH]);
    return made;
  }

  private jobOf(
    how: SearchOptions,
    maxMacFactor: number,
    point: number,
    allocate: readonly Choice[],
    known: readonly PlannedPoint[],
  ): GrainJob {
    const { search, texts } = this.searched;
    return {
      grain: search(how, maxMacFactor)[point].grain(),
      by: { id: SEARCH, options: { ...how, maxMacFactor, point } },
      allocate,
      known: known.map(({ macs, arenaBytes }) => ({ macs, arenaBytes })),
      text: texts,
    };
  }
}
