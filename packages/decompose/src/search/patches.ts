import type { Box } from '@regrain/core-ir';
import { type Bottleneck, bottleneckAt, GROUPS } from './channel-groups.js';
import { crossingBytes, readLater } from './crossing.js';
import type { Geometry, Window } from './geometry.js';
import { paretoSet } from './pareto-set.js';
import type { Segment, SegmentLimits } from './segment.js';

/** Patches of a bottleneck's result, each made from a window of what it reads. */
export interface Patches {
  readonly rows: number;
  readonly columns: number;
  /** In so many groups of channels, one after the other. */
  readonly groups: number;
}

/** Tasks of a segment, at most. */
const MOST_TASKS = 6000;

/**
 * Ways to run the bottleneck that ends before operation `last` patch by patch: of each patch a group of channels at a time, from the
 * stored map that it reads, with the partial sums of the patch held until the last group. Of the wide map only the window of one patch in one
 * group is there, and where windows overlap it is computed again: a wide one on a small map takes more bytes than all that streaming must
 * hold otherwise. An addition of what the bottleneck reads may follow. Only those that no other beats. Sources: patches (MCUNetV2, Lin et al.
 * 2021), fused depthwise tiling (FDT, Stahl et al. 2023). O(rows × columns × groups).
 */
export function patchesOf(geometry: Geometry, last: number, limits: SegmentLimits): readonly Segment[] {
  if (limits.extraMacs <= 0) return [];
  const known = KNOWN.get(geometry) ?? new Map<number, readonly Segment[]>();
  KNOWN.set(geometry, known);
  const all = known.get(last) ?? [last - 3, last - 4].flatMap((first) => patched(geometry, first, last, limits));
  known.set(last, all);
  return all.filter(({ bytes, macs }) => macs <= limits.extraMacs && bytes <= limits.most(macs));
}

/** Alignment and accounting of inputs are the same for all looks at one geometry. */
const KNOWN = new WeakMap<Geometry, Map<number, readonly Segment[]>>();

function patched(geometry: Geometry, first: number, last: number, { access, align }: SegmentLimits): Segment[] {
  const { nodes, grids } = geometry;
  const bottleneck = first < 0 ? undefined : bottleneckAt(geometry, first, first + 3);
  if (!bottleneck?.narrow || !mayBePatched(geometry, bottleneck, first, last)) return [];
  const [{ tensor: input, rows: above, columns: beside }] = nodes[first].reads;
  const [{ rows: down, columns: right }] = nodes[first + 1].reads;
  if (!above || !beside || !down || !right || access(input) === 'streamed') return [];
  const [result] = nodes[last - 1].writes;
  const [wide, slid, narrow, out, from] = [bottleneck.wide, bottleneck.slid, bottleneck.narrow.tensor, result, input].map((t) => grids[t]);
  const sumCell = bottleneck.sumBytes / Math.max(1, narrow.rows * narrow.columns);
  const crossing = crossingBytes(geometry, { first, last }, access);
  const reads = access(input) === 'external' || readLater(geometry, input, last) ? 0 : from.bytes / from.rows;
  const up = (bytes: number): number => Math.ceil(bytes / align) * align;
  const adds = last - first === 4;
  const found: Segment[] = [];
  for (const rows of evenly(out.rows)) {
    const bands = spans(out.rows, rows, down, wide.rows);
    for (const columns of evenly(out.columns)) {
      const strips = spans(out.columns, columns, right, wide.columns);
      // What two patches need alike they would share, and keep until the later one.
      if (repeats(bands) || repeats(strips)) continue;
      const again = (sum(bands) * sum(strips)) / (wide.rows * wide.columns);
      const macs = Math.max(0, again - 1) * nodes[first].macs;
      const [tall, across] = [most(bands), most(strips)];
      const sums = up(rows * columns * sumCell);
      const ends = (adds ? up(rows * columns * narrow.cellBytes) : 0) + rows * columns * out.cellBytes;
      let best: { readonly bytes: number; readonly groups: number } | undefined;
      for (const groups of GROUPS) {
        if (groups > bottleneck.channels || groups * bands.length * strips.length * 3 > MOST_TASKS) break;
        const share = Math.ceil(bottleneck.channels / groups) / bottleneck.channels;
        const window = up(tall * across * wide.cellBytes * share) + up(rows * columns * slid.cellBytes * share);
        const bytes = sums + Math.max(window, ends);
        if (!best || bytes < best.bytes * 0.99) best = { bytes, groups };
      }
      if (!best) continue;
      let held = 0;
      for (let band = 0; band < bands.length; band++) {
        // Rows of what is read that no band before has read for the last time, and what is made by then.
        const row = band * rows * down.stride * above.stride - (down.pad * above.stride + above.pad);
        const left = from.rows - Math.min(from.rows, Math.max(0, Math.floor(row)));
        const made = band * rows + (rows * (strips.length - 1)) / strips.length;
        held = Math.max(held, left * reads + made * (out.bytes / out.rows));
      }
      const bytes = crossing + held + best.bytes;
      found.push({ first, last, columns: 1, bytes, macs, held: undefined, patches: { rows, columns, groups: best.groups } });
    }
  }
  return paretoSet(found);
}

/** Its narrow result is pointwise and, where an operation follows, only that reads it, and besides it what the bottleneck reads. */
function mayBePatched({ nodes, grids, readers, writers, program }: Geometry, { narrow }: Bottleneck, first: number, last: number): boolean {
  const [input] = nodes[first].reads;
  const alike = (each: { readonly rows?: Window; readonly columns?: Window }): boolean =>
    [each.rows, each.columns].every((window) => window && window.size === 1 && window.stride === 1 && window.pad === 0);
  if (!narrow || nodes[first].reads.length !== 1 || !alike(nodes[first + 2].reads[0])) return false;
  if (grids[narrow.tensor].rowAxis < 0 || grids[narrow.tensor].columnAxis < 0) return false;
  if (last - first === 3) return true;
  const add = nodes[last - 1];
  return (
    add.streams &&
    add.writes.length === 1 &&
    writers[add.writes[0]].length === 1 &&
    String(readers[narrow.tensor]) === String(last - 1) &&
    !program.outputs.includes(narrow.tensor) &&
    add.reads.every((each) => alike(each) && (each.tensor === narrow.tensor || each.tensor === input.tensor))
  );
}

/** What each piece of `size` results reads of a map of `extent`, along one axis. */
function spans(results: number, size: number, { size: window, stride, pad }: Window, extent: number): Box {
  const found: (readonly [number, number])[] = [];
  for (let at = 0; at < results; at += size) {
    const end = Math.min(results, at + size);
    found.push([Math.max(0, Math.floor(at * stride - pad)), Math.min(extent, Math.ceil((end - 1) * stride - pad + window))]);
  }
  return found;
}

function repeats(spans: Box): boolean {
  return spans.some(([lo, hi], k) => k > 0 && lo === spans[k - 1][0] && hi === spans[k - 1][1]);
}

function sum(spans: Box): number {
  return spans.reduce((all, [lo, hi]) => all + hi - lo, 0);
}

function most(spans: Box): number {
  return spans.reduce((longest, [lo, hi]) => Math.max(longest, hi - lo), 0);
}

/** Sizes of pieces that divide an extent into 1, 2, 3, … about even ones. */
function evenly(extent: number): number[] {
  return [...new Set(Array.from({ length: extent }, (_, k) => Math.ceil(extent / (k + 1))))];
}
