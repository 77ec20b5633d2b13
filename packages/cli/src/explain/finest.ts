import { type Box, indexRegions, type Plan, subtract, volume } from '@regrain/core-ir';
import { liveOver, worstTime } from './memory.js';
import { type Moment, momentAt } from './moments.js';

/**
 * The peak if every element lived only from its first write to its last read, in the order of this plan: what no finer cut can go below
 * without another order. Regions that are moved between spaces, and the moments at which bytes are taken over, count as they are.
 * O(accesses × pieces of a region).
 */
export function finestCut(plan: Plan, spaces: readonly number[]): Moment {
  const live = liveOver(plan, spaces);
  const written = new Map<number, (readonly [time: number, box: Box])[]>();
  const touched = new Map<number, (readonly [time: number, box: Box])[]>();
  const { decomposition, placements, steps } = plan;
  const indexes = indexRegions(decomposition);
  const single = singlePlacements(plan);
  steps.forEach((step, i) => {
    if (step.kind !== 'task') return;
    for (const { instance, box, mode } of decomposition.tasks[step.task].accesses) {
      indexes.forEach(instance, box, (region) => {
        if (!single.has(region)) return;
        if (mode !== 'read') append(written, region, [i + 1, box]);
        append(touched, region, [i + 1, box]);
      });
    }
  });
  const change = new Float64Array(live.length + 1);
  for (const [region, p] of single) {
    const { space, first, last, bytes } = placements[p];
    if (!spaces.includes(space) || last - first < 2) continue;
    const { box } = decomposition.regions[region];
    const perElement = bytes / Math.max(1, volume(box));
    // Not there yet: counted from the region's second moment on, up to the element's first write.
    for (const [time, count] of coveredBy(box, written.get(region) ?? []))
      take(change, first + 1, Math.min(time, last) - 1, count * perElement);
    // Read no more: up to the moment before the region's last.
    if (last <= steps.length)
      for (const [time, count] of coveredBy(box, (touched.get(region) ?? []).toReversed()))
        take(change, Math.max(time, first) + 1, last - 1, count * perElement);
  }
  let saved = 0;
  for (let t = 0; t < live.length; t++) live[t] -= saved += change[t];
  const at = worstTime(live);
  return { ...momentAt(plan, live, at), bytes: Math.round(live[at]) };
}

function take(change: Float64Array, from: number, to: number, bytes: number): void {
  if (from > to) return;
  change[from] += bytes;
  change[to + 1] -= bytes;
}

/** How many elements of a box each access is the first to cover. */
function coveredBy(box: Box, accesses: readonly (readonly [time: number, box: Box])[]): (readonly [time: number, count: number])[] {
  let left: readonly Box[] = [box];
  let size = volume(box);
  const found: (readonly [number, number])[] = [];
  for (const [time, access] of accesses) {
    if (size === 0) break;
    left = left.flatMap((piece) => subtract(piece, access));
    const rest = left.reduce((sum, piece) => sum + volume(piece), 0);
    if (rest < size) found.push([time, size - rest]);
    size = rest;
  }
  return found;
}

/** Regions with one placement, and which. */
function singlePlacements({ placements }: Plan): Map<number, number> {
  const found = new Map<number, number>();
  const several = new Set<number>();
  placements.forEach(({ holds }, p) => {
    if (!('region' in holds)) return;
    if (found.has(holds.region)) several.add(holds.region);
    found.set(holds.region, p);
  });
  for (const region of several) found.delete(region);
  return found;
}

function append<T>(map: Map<number, T[]>, key: number, value: T): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
