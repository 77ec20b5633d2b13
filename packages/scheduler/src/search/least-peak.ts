import { TaskHeap } from '../heap.js';
import { Downset } from './downset.js';
import type { Problem } from './problem.js';
import { release, SafeMoves } from './safe.js';
import { States } from './states.js';

/** What searches may spend, shared between them: sets of tasks whose successors are looked at (large sets count several times). */
export interface Budget {
  states: number;
  /** Called now and then; throws to end everything. */
  readonly check: () => void;
}

export interface LeastPeak {
  /** An order whose peak is below the limit that was given; absent if none was found. */
  readonly order?: number[];
  /** Its peak, or the limit. */
  readonly peak: number;
  /** No order's peak is lower. Equal to `peak`: proved. */
  readonly bound: number;
}

/** What takes as long as one small set: so many tasks to set up, so many pairs of ready tasks to look through for safe moves. */
const TASKS_A_STATE = 256;
const PAIRS_A_STATE = 1024;

/**
 * An order of the least peak, if that is below `limit`: dynamic programming over downsets (Serenity: Ahn et al., MLSys 2020), reached in
 * order of their peaks as in Dijkstra's algorithm with the maximum in place of the sum, so that the first whole set is optimal, and what
 * is next when the budget ends bounds every order from below. Safe moves (`SafeMoves`) are made at once and do not branch. `floor` is a
 * bound that is known already. Exponential at worst: a set costs O(tasks + touches + ready tasks × chains).
 */
export function leastPeak(problem: Problem, limit: number, floor: number, budget: Budget): LeastPeak {
  const { tasks } = problem.arcs;
  const set = new Downset(problem);
  const safe = new SafeMoves(set);
  const states = new States(tasks);
  const open = new TaskHeap(
    (a, b) =>
      states.key[a] < states.key[b] ||
      (states.key[a] === states.key[b] &&
        (states.size[a] > states.size[b] || (states.size[a] === states.size[b] && states.live[a] < states.live[b]))),
  );
  let bound = limit;
  let best = limit;
  let goal = -1;
  let popped = 0;
  const reach = (from: number, trail: number[], key: number): void => {
    const id = states.add(from, trail, key, set.live);
    if (id < 0) return;
    if (states.size[id] < tasks) open.push(id);
    else [best, goal] = [key, id];
  };
  const ready: number[] = [];
  const trail: number[] = [];
  const lives: number[] = [];
  for (let t = 0; t < tasks; t++) if (set.waits[t] === 0) ready.push(t);
  const start = Math.max(floor, set.live);
  if (start < limit) {
    safe.runAll(start, ready, trail, lives);
    reach(-1, trail, start);
  }
  const empty = new Downset(problem);
  while (open.size > 0) {
    const state = open.pop();
    if (states.closed[state]) continue;
    const key = states.key[state];
    if (key >= best) break;
    if (budget.states <= 0 || states.full) {
      bound = key;
      break;
    }
    states.closed[state] = 1;
    set.copyFrom(empty);
    for (const task of states.orderTo(state)) {
      set.preview(task);
      set.run(task);
    }
    ready.length = 0;
    for (let t = 0; t < tasks; t++) if (set.waits[t] === 0 && !set.done[t]) ready.push(t);
    budget.states -= 1 + Math.floor(tasks / TASKS_A_STATE) + Math.floor(ready.length ** 2 / PAIRS_A_STATE);
    if ((++popped & 63) === 0) budget.check();
    for (const task of ready) {
      set.preview(task);
      const peak = Math.max(key, set.during);
      if (peak >= best) continue;
      trail.length = 0;
      lives.length = 0;
      trail.push(task);
      lives.push(set.live);
      set.run(task);
      const next = ready.filter((other) => other !== task);
      release(set, task, next);
      safe.runAll(peak, next, trail, lives);
      reach(state, trail, peak);
      for (let k = trail.length - 1; k >= 0; k--) set.back(trail[k], lives[k]);
    }
  }
  const order = goal < 0 ? {} : { order: states.orderTo(goal) };
  return { ...order, peak: best, bound: Math.min(best, bound) };
}
