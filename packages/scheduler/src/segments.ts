import type { TaskGraph } from './graph.js';
import { LiveBytes } from './live-bytes.js';
import type { MemoryModel } from './memory-model.js';
import { Orders, POLICIES, type Policy } from './policies.js';
import { Sequence } from './sequence.js';

/** Above this (traces, where every instruction is an operation) only the policies that are linear in operations run. */
const MANY_OPERATIONS = 3000;

export interface SegmentOptions {
  /** Places between operations that may become a boundary. */
  readonly maxCuts: number;
  /** Where the decomposer means segments to begin: then only these. */
  readonly boundaries?: readonly number[];
  readonly signal?: AbortSignal;
  readonly progress?: (done: number, of: number) => void;
}

/**
 * The order of least peak among all that run the program in segments of consecutive operations, each streamed by one of the
 * policies, with whatever crosses a boundary stored whole. Exact over the considered cuts by dynamic programming: what is live at a
 * boundary does not depend on the order before it, so best(j) = min over i of max(best(i), peak of segment i … j). Segments that
 * reach the best peak known are abandoned at once. O(cuts² × tasks) at worst, in practice a small part of it.
 */
export function bestSegments(
  graph: TaskGraph,
  model: MemoryModel,
  options: SegmentOptions,
): { readonly order: Int32Array; readonly peak: number } {
  const operations = graph.start.length - 1;
  const orders = new Orders(graph, model);
  let limit = Number.POSITIVE_INFINITY;
  let whole = Number.POSITIVE_INFINITY;
  let wholeOrder = new Sequence(graph.tasks);
  let tried = new Sequence(graph.tasks);
  const bytes = new LiveBytes(model);
  const policies: readonly Policy[] = operations <= MANY_OPERATIONS ? POLICIES : ['pull', 'layers'];
  for (const policy of policies) {
    bytes.reset();
    tried.length = 0;
    if (orders.run(policy, 0, operations, bytes, limit, tried)) {
      limit = bytes.peak;
      whole = bytes.peak;
      [wholeOrder, tried] = [tried, wholeOrder];
    }
    options.signal?.throwIfAborted();
  }
  const known = (options.boundaries ?? []).filter((at) => at > 0 && at < operations);
  const cuts =
    known.length > 0
      ? [0, ...new Set(known.toSorted((a, b) => a - b)), operations]
      : cutsOf(graph, model, operations <= MANY_OPERATIONS ? options.maxCuts : 0, limit);
  // best[k]: the least peak of everything before cuts[k]; `via` how it is reached.
  const best = cuts.map((_, k) => (k === 0 ? 0 : Number.POSITIVE_INFINITY));
  const via: { from: number; policy: Policy }[] = [];
  bytes.reset();
  // As the decomposer means them, each as low as it goes: what is far below the peak packs tighter.
  const apart = known.length > 0 ? eachLowest(orders, policies, cuts, options.signal) : undefined;
  if (apart) limit = Math.min(limit, apart.peak);
  // Of one segment all policies are known.
  for (let i = 0; i + 1 < cuts.length && cuts.length > 2; i++) {
    options.signal?.throwIfAborted();
    options.progress?.(i, cuts.length);
    if (i > 0) for (let t = graph.start[cuts[i - 1]]; t < graph.start[cuts[i]]; t++) bytes.run(t);
    bytes.peak = bytes.live;
    const state = bytes.save();
    if (best[i] < limit) {
      for (let j = i + 1; j < cuts.length; j++) {
        for (const policy of policies) {
          // A segment that ends in a large tensor may fail where a longer one, which streams it, does not: so all are tried.
          const bound = Math.min(limit, best[j]);
          if (Math.max(best[i], state.live) >= bound) break;
          bytes.restore(state);
          if (orders.run(policy, cuts[i], cuts[j], bytes, bound)) {
            best[j] = Math.max(best[i], bytes.peak);
            via[j] = { from: i, policy };
            if (j === cuts.length - 1) limit = best[j];
          }
          if (cuts[j] - cuts[i] === 1) break; // one operation: all policies are alike
        }
      }
    }
    bytes.restore(state);
  }
  const last = cuts.length - 1;
  let found = { order: wholeOrder.tasks, peak: whole };
  if (best[last] < whole) {
    const chain: { first: number; last: number; policy: Policy }[] = [];
    for (let k = last; k > 0; k = via[k].from) chain.unshift({ first: cuts[via[k].from], last: cuts[k], policy: via[k].policy });
    bytes.reset();
    tried.length = 0;
    for (const segment of chain) orders.run(segment.policy, segment.first, segment.last, bytes, Number.POSITIVE_INFINITY, tried);
    found = { order: tried.tasks, peak: bytes.peak };
  }
  return apart && apart.peak <= found.peak ? apart : found;
}

/** Every segment by the policy of its own least peak, wherever the highest of all is. */
function eachLowest(
  orders: Orders,
  policies: readonly Policy[],
  cuts: readonly number[],
  signal?: AbortSignal,
): ReturnType<typeof bestSegments> {
  const bytes = new LiveBytes(orders.model);
  const order = new Sequence(orders.tasks);
  let peak = 0;
  for (let k = 0; k + 1 < cuts.length; k++) {
    signal?.throwIfAborted();
    const state = bytes.save();
    let best: Policy = 'layers';
    let least = Number.POSITIVE_INFINITY;
    for (const policy of policies) {
      bytes.restore(state);
      bytes.peak = bytes.live;
      if (orders.run(policy, cuts[k], cuts[k + 1], bytes, least)) [best, least] = [policy, bytes.peak];
    }
    bytes.restore(state);
    orders.run(best, cuts[k], cuts[k + 1], bytes, Number.POSITIVE_INFINITY, order);
    peak = Math.max(peak, least);
  }
  return { order: order.tasks, peak };
}

/** Boundaries worth trying: those with the fewest bytes crossing them, first and last included. */
function cutsOf(graph: TaskGraph, model: MemoryModel, maxCuts: number, limit: number): number[] {
  const operations = graph.start.length - 1;
  if (maxCuts === 0) return [0, operations];
  const bytes = new LiveBytes(model);
  const crossing: { at: number; live: number }[] = [];
  for (let o = 0; o < operations; o++) {
    for (let t = graph.start[o]; t < graph.start[o + 1]; t++) bytes.run(t);
    if (o + 1 < operations && graph.start[o + 1] > 0 && bytes.live < limit) crossing.push({ at: o + 1, live: bytes.live });
  }
  const minima = crossing.filter(
    ({ live }, k) => (k === 0 || crossing[k - 1].live >= live) && (k + 1 === crossing.length || crossing[k + 1].live >= live),
  );
  const pool = crossing.length <= maxCuts ? crossing : minima;
  const chosen = pool.toSorted((a, b) => a.live - b.live || a.at - b.at).slice(0, maxCuts);
  return [0, ...chosen.map(({ at }) => at).sort((a, b) => a - b), operations];
}
