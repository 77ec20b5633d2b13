import type { Geometry } from './geometry.js';
import { type Priced, paretoSet } from './pareto-set.js';
import { patchesOf } from './patches.js';
import { type Segment, type SegmentLimits, segmentsTo } from './segment.js';

/** A way through the whole program: segments with everything that crosses their ends stored whole. */
export interface Route extends Priced {
  readonly segment: Segment | undefined;
  readonly before: Route | undefined;
  /** Sum of the squares of the segments' bytes: of two routes with one peak, the one that is low elsewhere. */
  readonly rest: number;
}

/** Routes kept at one boundary. */
const KEPT = 160;

/**
 * The memory/compute front over all choices of stored boundaries: routes to boundary j are those to i followed by a segment i … j;
 * bytes are the largest of their segments (and what must move, where a capacity is given), MACs the sum. Exact over the cost model, but for the thinning of near-equal points.
 * Sources: fusion blocks by dynamic programming as in msf-CNN (Huang & Baccelli 2025). O(operations² × points²) at worst.
 */
export function routesOf(geometry: Geometry, widths: readonly number[], limits: SegmentLimits, signal?: AbortSignal): Route[] {
  const count = geometry.nodes.length;
  const resolution = geometry.macs * 0.001;
  const to: Route[][] = [[EMPTY]];
  for (let last = 1; last <= count; last++) {
    signal?.throwIfAborted();
    let found: Route[] = [];
    const visit = (segment: Segment): void => {
      for (const before of to[segment.first]) {
        const route = withSegment(before, segment, limits.capacity);
        if (route.macs > limits.extraMacs) break;
        found.push(route);
        // Further ones cost more and cannot make this segment smaller.
        if (before.bytes <= Math.min(segment.bytes, limits.capacity)) break;
      }
      if (found.length > 20_000) found = paretoSet(found, resolution);
    };
    patchesOf(geometry, last, limits).forEach(visit);
    for (const columns of widths) segmentsTo(geometry, last, columns, limits, visit);
    const kept = paretoSet(found, resolution);
    const step = Math.ceil(kept.length / KEPT);
    to.push(kept.filter((_, k) => k % step === 0 || k === kept.length - 1));
  }
  return to[count];
}

const EMPTY: Route = { bytes: 0, macs: 0, segment: undefined, before: undefined, rest: 0 };

function withSegment(before: Route, segment: Segment, capacity: number): Route {
  return {
    bytes: heldBy(before.bytes, segment.bytes, capacity),
    macs: before.macs + segment.macs,
    segment,
    before,
    rest: before.rest + segment.bytes ** 2,
  };
}

/** Bytes of a route with one segment more: the most that one holds or, above the capacity, it and what all of them hold above it: that must move. */
function heldBy(before: number, segment: number, capacity: number): number {
  if (before <= capacity && segment <= capacity) return Math.max(before, segment);
  return capacity + Math.max(0, before - capacity) + Math.max(0, segment - capacity);
}

/** A segment that is estimated at this share of the peak leaves room for what packing loses to tiles of several sizes. */
const MARGIN = 0.6;
/** Wider tiles are worth this much. */
const NEARLY = 1.01;

/** The same boundaries and MACs, but each segment with the widest tiles that stay well below the route's peak, or cost next to nothing. */
export function widened(geometry: Geometry, route: Route, widths: readonly number[], limits: SegmentLimits): Segment[] {
  const peak = Math.min(route.bytes, limits.capacity);
  return segmentsOf(route).map((segment) => {
    const most = Math.max(peak * MARGIN, segment.bytes * NEARLY);
    for (const columns of widths.toSorted((a, b) => (b || Number.POSITIVE_INFINITY) - (a || Number.POSITIVE_INFINITY))) {
      let best: Segment | undefined;
      const visit = (found: Segment): void => {
        const fits = found.first === segment.first && found.macs <= segment.macs && found.bytes <= most;
        if (fits && (!best || found.bytes < best.bytes)) best = found;
      };
      segmentsTo(geometry, segment.last, columns, limits, visit, segment.first);
      if (best) return best;
    }
    return segment;
  });
}

/** Segments of this share of the peak are worth lowering, and to this share. */
const HIGH = 0.92;
const LOWER = 0.95;

/**
 * The same boundaries with all segments near the peak lower, as far as the multiply-accumulates reach: the highest by estimate need not be
 * the highest of the plan. The highest first, each as cheaply as it goes.
 */
export function lowered(geometry: Geometry, route: Route, widths: readonly number[], limits: SegmentLimits): Route {
  const segments = segmentsOf(route);
  let left = limits.extraMacs - route.macs;
  const order = segments.map((_, k) => k).filter((k) => segments[k].bytes >= route.bytes * HIGH);
  for (const k of order.sort((a, b) => segments[b].bytes - segments[a].bytes || a - b)) {
    const { first, last, bytes, macs } = segments[k];
    const found = patchesOf(geometry, last, limits).filter((each) => each.first === first);
    for (const columns of widths) {
      segmentsTo(geometry, last, columns, limits, (each) => void (each.first === first && found.push(each)), first);
    }
    const affordable = paretoSet(found).filter((each) => each.bytes < bytes && each.macs - macs <= left);
    const best = affordable.find((each) => each.bytes <= route.bytes * LOWER) ?? affordable.at(-1);
    if (!best) continue;
    left -= best.macs - macs;
    segments[k] = best;
  }
  return segments.reduce((before, segment) => withSegment(before, segment, limits.capacity), EMPTY);
}

/** The segments of a route, first to last. */
export function segmentsOf(route: Route): Segment[] {
  const list: Segment[] = [];
  for (let at: Route | undefined = route; at; at = at.before) if (at.segment) list.unshift(at.segment);
  return list;
}
