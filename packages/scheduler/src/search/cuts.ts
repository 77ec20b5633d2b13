import type { Arcs } from './problem.js';

/**
 * Positions k of an order through which every legal order passes with the same tasks done: all of the first k come before all of the
 * rest. Stretches between them are problems of their own (the cut nodes of Serenity: Ahn et al., MLSys 2020, section 3.2; here also where
 * several tasks meet several). That is so where each task that has no successor among the first k is a direct predecessor of each task
 * that has no predecessor in the rest, which is counted with differences: O(tasks + dependences). 0 and the end are among them.
 */
export function cutsOfOrder(arcs: Arcs, order: ArrayLike<number>, place: Int32Array): number[] {
  const { tasks, row, from, out, to } = arcs;
  // Changes, from position k on, in the number of last tasks, of first tasks, and of pairs of them that are arcs.
  const lasts = new Int32Array(tasks + 2);
  const firsts = new Int32Array(tasks + 2);
  const pairs = new Int32Array(tasks + 2);
  const until = new Int32Array(tasks);
  for (let k = 0; k < tasks; k++) {
    const t = order[k];
    // In the first k' tasks, and without a successor there, for k < k' <= the place of its first successor.
    let next = tasks;
    for (let e = out[t]; e < out[t + 1]; e++) next = Math.min(next, place[to[e]]);
    until[t] = next;
    lasts[k + 1]++;
    lasts[next + 1]--;
  }
  for (let k = 0; k < tasks; k++) {
    const t = order[k];
    let after = 0;
    for (let e = row[t]; e < row[t + 1]; e++) after = Math.max(after, place[from[e]] + 1);
    firsts[after]++;
    firsts[k + 1]--;
    for (let e = row[t]; e < row[t + 1]; e++) {
      const end = until[from[e]];
      if (end < after) continue;
      pairs[after]++;
      pairs[end + 1]--;
    }
  }
  const cuts = [0];
  let [last, first, pair] = [lasts[0], firsts[0], pairs[0]];
  for (let k = 1; k < tasks; k++) {
    last += lasts[k];
    first += firsts[k];
    pair += pairs[k];
    if (pair === last * first) cuts.push(k);
  }
  if (tasks > 0) cuts.push(tasks);
  return cuts;
}
