import { Downset } from './downset.js';
import { floorOf } from './floor.js';
import type { LeastPeak } from './least-peak.js';
import type { Problem } from './problem.js';
import { release, SafeMoves, takersOf } from './safe.js';
import { zobristOf } from './states.js';

/** Words that the beams of one search may copy; one is no wider than it may run through with a quarter of them. */
const COPIED = 2e9;
/** Looking at a ready task takes as long as copying so many words. */
const WORDS_A_LOOK = 32;
/** Searches of one stretch, each below the peak of the one before. */
const ROUNDS = 8;

export interface BeamOptions {
  /** Sets of tasks that are kept of each size. */
  readonly width: number;
  readonly check: () => void;
}

/** A set of tasks on the way, with the tasks that led to it, last first. */
interface Beam {
  readonly set: Downset;
  readonly ready: readonly number[];
  readonly peak: number;
  readonly hash: number;
  readonly ran: Ran | undefined;
}

interface Ran {
  readonly task: number;
  readonly before: Ran | undefined;
}

/** A step that may be taken: ranked before anything is copied. */
interface Step {
  readonly from: Beam;
  readonly task: number;
  readonly peak: number;
  readonly live: number;
  readonly hash: number;
}

/**
 * Beam search for an order whose peak is below `limit`: of all sets of k tasks that are reached within it, the `width` with the fewest
 * live bytes go on; equal sets are one (by a hash of 53 bits). Safe moves are made at once. Repeated below each
 * peak that it finds, until that meets the floor or nothing is found: first by peak, then by live bytes alone.
 */
export function beamSearch(problem: Problem, limit: number, floor: number, options: BeamOptions): LeastPeak {
  const bound = Math.min(limit, Math.max(floor, floorOf(problem)));
  const { tasks } = problem.arcs;
  const width = Math.min(options.width, Math.floor(COPIED / (4 * tasks * (2 * tasks + problem.model.bytes.length))));
  let best: LeastPeak = { peak: limit, bound };
  if (width < 1) return best;
  const work = { left: COPIED };
  for (const byPeak of [true, false]) {
    for (let round = 0; round < ROUNDS && best.peak > bound; round++) {
      const found = oneBeam(problem, best.peak, bound, byPeak, width, work, options.check);
      if (!found) break;
      best = { ...found, bound };
    }
  }
  return best;
}

function oneBeam(
  problem: Problem,
  limit: number,
  floor: number,
  byPeak: boolean,
  width: number,
  work: { left: number },
  check: () => void,
): { order: number[]; peak: number } | undefined {
  const { tasks } = problem.arcs;
  const [low, high] = [zobristOf(tasks), zobristOf(2 * tasks).subarray(tasks)];
  const takers = takersOf(problem);
  const levels: (Map<number, Beam> | undefined)[] = new Array(tasks + 1);
  const better = (a: { peak: number; live: number }, b: { peak: number; live: number }): number =>
    (byPeak ? a.peak - b.peak : 0) || a.live - b.live || a.peak - b.peak;
  const arrive = (beam: Beam, size: number): void => {
    levels[size] ??= new Map();
    const level = levels[size];
    const known = level.get(beam.hash);
    if (!known || beam.peak < known.peak) level.set(beam.hash, beam);
  };
  const start = new Downset(problem);
  const ready: number[] = [];
  for (let t = 0; t < tasks; t++) if (start.waits[t] === 0) ready.push(t);
  settle({ set: start, ready, peak: Math.max(floor, start.live), hash: 0, ran: undefined }, 0);
  for (let size = 0; size < tasks; size++) {
    const level = levels[size];
    if (!level) continue;
    levels[size] = undefined;
    check();
    if (work.left < 0) return undefined;
    const kept = rank([...level.values()].map((beam) => ({ beam, peak: beam.peak, live: beam.set.live }))).map(({ beam }) => beam);
    const steps = new Map<number, Step>();
    for (const from of kept) {
      work.left -= WORDS_A_LOOK * from.ready.length;
      for (const task of from.ready) {
        from.set.preview(task);
        const peak = Math.max(from.peak, from.set.during);
        if (peak >= limit) continue;
        const hash = mixed(from.hash, low[task], high[task]);
        const step = { from, task, peak, live: from.set.next, hash };
        const known = steps.get(hash);
        if (!known || better(step, known) < 0) steps.set(hash, step);
      }
    }
    // The last step of a set may take the set itself.
    const chosen = rank([...steps.values()]);
    const uses = new Map<Beam, number>();
    for (const { from } of chosen) uses.set(from, (uses.get(from) ?? 0) + 1);
    for (const { from, task, peak, hash } of chosen) {
      const left = (uses.get(from) as number) - 1;
      uses.set(from, left);
      let { set } = from;
      if (left > 0) {
        set = new Downset(problem);
        set.copyFrom(from.set);
        work.left -= 2 * tasks + problem.model.bytes.length;
      }
      set.preview(task);
      set.run(task);
      const next = from.ready.filter((other) => other !== task);
      release(set, task, next);
      settle({ set, ready: next, peak, hash, ran: { task, before: from.ran } }, size + 1);
    }
  }
  const [done] = levels[tasks]?.values() ?? [];
  if (!done) return undefined;
  const order: number[] = [];
  for (let at = done.ran; at; at = at.before) order.push(at.task);
  return { order: order.reverse(), peak: done.peak };

  function rank<T extends { peak: number; live: number }>(list: T[]): T[] {
    return list.sort(better).slice(0, width);
  }

  /** Makes the safe moves and files the set. */
  function settle(beam: Beam, size: number): void {
    const trail: number[] = [];
    const next = [...beam.ready];
    work.left -= WORDS_A_LOOK * next.length;
    new SafeMoves(beam.set, takers).runAll(beam.peak, next, trail, []);
    let { hash, ran } = beam;
    for (const task of trail) {
      hash = mixed(hash, low[task], high[task]);
      ran = { task, before: ran };
    }
    arrive({ ...beam, ready: next, hash, ran }, size + trail.length);
  }
}

/** A set's hash with one more task: 32 bits and 21 above them, exclusive or of the tasks' words (Zobrist 1970). */
function mixed(hash: number, low: number, high: number): number {
  return (Math.floor(hash / 4294967296) ^ (high >>> 11)) * 4294967296 + (((hash | 0) ^ low) >>> 0);
}
