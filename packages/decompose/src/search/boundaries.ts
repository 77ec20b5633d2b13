import type { Geometry } from './geometry.js';
import { type Priced, paretoSet } from './pareto-set.js';
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
 * bytes are the largest of their segments, MACs the sum. Exact over the cost model, but for the thinning of near-equal points.
 * Sources: fusion blocks by dynamic programming as in msf-CNN (Huang & Baccelli 2025). O(operations² × points²) at worst.
 */
export function routesOf(geometry: Geometry, limits: SegmentLimits, signal?: AbortSignal): Route[] {
  const count = geometry.nodes.length;
  const resolution = geometry.macs * 0.001;
  const to: Route[][] = [[{ bytes: 0, macs: 0, segment: undefined, before: undefined, rest: 0 }]];
  for (let last = 1; last <= count; last++) {
    signal?.throwIfAborted();
    let found: Route[] = [];
    segmentsTo(geometry, last, limits, (segment) => {
      for (const before of to[segment.first]) {
        const macs = before.macs + segment.macs;
        if (macs > limits.extraMacs) break;
        found.push({ bytes: Math.max(before.bytes, segment.bytes), macs, segment, before, rest: before.rest + segment.bytes ** 2 });
        // Further ones cost more and cannot make this segment smaller.
        if (before.bytes <= segment.bytes) break;
      }
      if (found.length > 20_000) found = paretoSet(found, resolution);
    });
    const kept = paretoSet(found, resolution);
    const step = Math.ceil(kept.length / KEPT);
    to.push(kept.filter((_, k) => k % step === 0 || k === kept.length - 1));
  }
  return to[count];
}

/** The segments of a route, first to last. */
export function segmentsOf(route: Route): Segment[] {
  const list: Segment[] = [];
  for (let at: Route | undefined = route; at; at = at.before) if (at.segment) list.unshift(at.segment);
  return list;
}
