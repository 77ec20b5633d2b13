import { Downset } from './downset.js';
import type { Problem } from './problem.js';

/** Above so many tasks, which task comes before which is not worked out for all pairs. */
const MANY = 6000;

/**
 * Bytes that every order holds at some time: the most that any one task needs during it. That is what it touches, less what it may
 * write in place, and every region that was touched by a task that must come before it and is still to be touched by one that must come
 * after it; besides, what lives at the start and at the end. O(tasks × (tasks / 32 + touches)) up to 6,000 tasks; above that, what each
 * task touches.
 */
export function floorOf(problem: Problem): number {
  const { arcs, model, base } = problem;
  const { row, region, bytes, scratch, before, after, inPlaceFrom } = model;
  let atStart = base;
  let atEnd = base;
  for (let r = 0; r < bytes.length; r++) {
    if (before[r]) atStart += bytes[r];
    if (after[r]) atEnd += bytes[r];
  }
  let floor = Math.max(atStart, atEnd);
  const held = arcs.tasks <= MANY ? heldAround(problem) : undefined;
  for (let t = 0; t < arcs.tasks; t++) {
    let need = base + scratch[t] + (held?.[t] ?? 0);
    for (let e = row[t]; e < row[t + 1]; e++) need += bytes[region[e]];
    if (inPlaceFrom[t] >= 0) need -= bytes[inPlaceFrom[t]];
    if (need > floor) floor = need;
  }
  return floor;
}

/** Per task: bytes of regions that it does not touch and that live during it in every order. */
function heldAround({ arcs, model }: Problem): Float64Array {
  const { tasks } = arcs;
  const words = (tasks + 31) >> 5;
  const order = topological(arcs);
  const above = closure(tasks, words, order, arcs.row, arcs.from);
  const { row, region, bytes, before, after } = model;
  const regions = bytes.length;
  // Which tasks a region is touched by before all else, and after: a bit set of tasks that come after some toucher.
  const touched: number[][] = Array.from({ length: regions }, () => []);
  for (let t = 0; t < tasks; t++) for (let e = row[t]; e < row[t + 1]; e++) touched[region[e]].push(t);
  const held = new Float64Array(tasks);
  const behind = new Int32Array(words);
  const below = closure(tasks, words, order.toReversed(), arcs.out, arcs.to);
  const ahead = new Int32Array(words);
  for (let r = 0; r < regions; r++) {
    const own = touched[r];
    behind.fill(before[r] ? -1 : 0);
    ahead.fill(after[r] ? -1 : 0);
    for (const t of own) {
      for (let w = 0; w < words; w++) {
        behind[w] |= below[t * words + w];
        ahead[w] |= above[t * words + w];
      }
    }
    // Tasks that come after a toucher and before another.
    for (const t of own) {
      behind[t >> 5] &= ~(1 << (t & 31));
    }
    for (let w = 0; w < words; w++) {
      for (let both = behind[w] & ahead[w]; both !== 0; both &= both - 1) {
        const t = (w << 5) + 31 - Math.clz32(both & -both);
        if (t < tasks) held[t] += bytes[r];
      }
    }
  }
  return held;
}

/** Per task, the bit set of all tasks from which a chain of `list` entries leads to it. */
function closure(tasks: number, words: number, order: ArrayLike<number>, row: Int32Array, list: Int32Array): Int32Array {
  const sets = new Int32Array(tasks * words);
  for (let k = 0; k < order.length; k++) {
    const t = order[k];
    for (let e = row[t]; e < row[t + 1]; e++) {
      const p = list[e];
      for (let w = 0; w < words; w++) sets[t * words + w] |= sets[p * words + w];
      sets[t * words + (p >> 5)] |= 1 << (p & 31);
    }
  }
  return sets;
}

function topological(arcs: Problem['arcs']): Int32Array {
  const waits = new Int32Array(arcs.tasks);
  const order = new Int32Array(arcs.tasks);
  let end = 0;
  for (let t = 0; t < arcs.tasks; t++) {
    waits[t] = arcs.row[t + 1] - arcs.row[t];
    if (waits[t] === 0) order[end++] = t;
  }
  for (let k = 0; k < end; k++) {
    const t = order[k];
    for (let e = arcs.out[t]; e < arcs.out[t + 1]; e++) if (--waits[arcs.to[e]] === 0) order[end++] = arcs.to[e];
  }
  return order;
}

/** Live bytes before each position of an order, and one more for the end. */
export function liveBefore(problem: Problem, order: ArrayLike<number>): Float64Array {
  const set = new Downset(problem);
  const live = new Float64Array(order.length + 1);
  live[0] = set.live;
  for (let k = 0; k < order.length; k++) {
    set.preview(order[k]);
    set.run(order[k]);
    live[k + 1] = set.live;
  }
  return live;
}
