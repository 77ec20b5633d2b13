import type { Downset } from './downset.js';
import type { Problem } from './problem.js';

/** Tasks of one chain that are looked through for a point at which no more is live than before it. */
const CHAIN = 32;

/**
 * Runs what loses nothing under a limit: tasks, or chains of them, that never hold more than `limit` and leave no more live than there
 * was. If any completion stays within the limit, so does one that begins with them.
 *
 * Live bytes are a submodular function of the set of tasks that ran: each region counts from the first task that touches it to the
 * last, so adding a task later never opens more and never closes less. Let S be the set that ran, T the chain, A ⊇ S any later set of a
 * completion; with B = A ∩ (S ∪ T), live(A ∪ T) ≤ live(A) + live(S ∪ T) − live(B), and live(S ∪ T) ≤ live(B) as B is a prefix of the
 * chain, which is cut where it first falls to the level of S. The same holds of the bytes live during another task u: a region that u
 * touches is there during u anyhow. A write of u in place of what it reads needs its target untouched, so chains that touch the target
 * of another are left alone. The rule generalises the valleys of Liu (1987, tree pebbling: run a branch down to where it is lowest) and
 * the zero-cost nodes of HMCOS and Serenity (Ahn et al., MLSys 2020).
 */
export class SafeMoves {
  constructor(
    private readonly set: Downset,
    private readonly taker = takersOf(set.problem),
  ) {}

  /** Runs all that is safe, appending to `trail`, with the live bytes before each in `lives`; `ready` is kept up to date. */
  runAll(limit: number, ready: number[], trail: number[], lives: number[]): void {
    for (let again = true; again; ) {
      again = false;
      for (let k = 0; k < ready.length; ) {
        const count = this.chain(ready[k], limit, trail, lives);
        if (count === 0) {
          k++;
          continue;
        }
        again = true;
        ready[k] = ready[ready.length - 1];
        ready.pop();
        for (let c = trail.length - count; c < trail.length; c++) release(this.set, trail[c], ready);
      }
    }
  }

  /** Runs the safe chain that begins with a ready task; the number of its tasks, 0 if there is none. */
  private chain(first: number, limit: number, trail: number[], lives: number[]): number {
    const { set } = this;
    const start = set.live;
    let task = first;
    for (let count = 1; count <= CHAIN; count++) {
      set.preview(task);
      if (set.during > limit || this.takesTarget(task)) {
        this.undo(count - 1, trail, lives);
        return 0;
      }
      lives.push(set.live);
      trail.push(task);
      set.run(task);
      if (set.live <= start) return count;
      const next = this.follow(task);
      if (next < 0) {
        this.undo(count, trail, lives);
        return 0;
      }
      task = next;
    }
    this.undo(CHAIN, trail, lives);
    return 0;
  }

  /** Of the successors that the task made ready, the one that leaves the fewest bytes. */
  private follow(task: number): number {
    const { out, to } = this.set.problem.arcs;
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    for (let e = out[task]; e < out[task + 1]; e++) {
      if (this.set.waits[to[e]] > 0) continue;
      this.set.preview(to[e]);
      if (this.set.next < least) [best, least] = [to[e], this.set.next];
    }
    return best;
  }

  private undo(count: number, trail: number[], lives: number[]): void {
    for (; count > 0; count--) this.set.back(trail.pop() as number, lives.pop() as number);
  }

  private takesTarget(task: number): boolean {
    const { row, region, uses } = this.set.problem.model;
    for (let e = row[task]; e < row[task + 1]; e++) {
      const r = region[e];
      const taker = this.taker[r];
      if (taker >= 0 && taker !== task && this.set.left[r] === uses[r]) return true;
    }
    return false;
  }
}

/** Per region: the task that writes it in place, or -1. */
export function takersOf({ model: { inPlaceTo, bytes } }: Problem): Int32Array {
  const taker = new Int32Array(bytes.length).fill(-1);
  inPlaceTo.forEach((region, task) => {
    if (region >= 0) taker[region] = task;
  });
  return taker;
}

/** Adds the successors of a task that ran, where they can run now, to `ready`. */
export function release({ problem, waits, done }: Downset, task: number, ready: number[]): void {
  const { out, to } = problem.arcs;
  for (let e = out[task]; e < out[task + 1]; e++) {
    const next = to[e];
    if (waits[next] === 0 && !done[next] && !ready.includes(next)) ready.push(next);
  }
}
