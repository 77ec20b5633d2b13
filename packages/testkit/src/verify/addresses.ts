import type { Box, IndexMap, Plan } from '@regrain/core-ir';
import { type Faults, Names } from './faults.js';
import { within } from './geometry.js';
import type { HappensBefore } from './happens-before.js';
import type { Histories } from './histories.js';
import { plain } from './index-maps.js';
import { ascending } from './tables.js';

/** Bytes that a placement was the last to take. */
interface Fragment {
  lo: number;
  hi: number;
  placement: number;
}

/**
 * Rules `overlap` and `order`: no two placements of a space share a byte at one time (but for the pair of an in-place write, which
 * shares one step), and where bytes are used again, all that touched them before has ended before they are filled, by engine order or
 * waits. Sweeps the placements in order of their first time over a map of who took which bytes last. O(n log n) for n placements,
 * times the fragments that each one meets.
 */
export function checkAddresses(plan: Plan, before: HappensBefore, histories: Histories, faults: Faults): void {
  const { placements, machine } = plan;
  const maps: Fragment[][] = machine.spaces.map(() => []);
  const names = new Names(plan);
  const last: (readonly number[] | undefined)[] = [];
  for (const q of byTime(placements)) {
    const { space, offset, bytes, first } = placements[q];
    if (bytes === 0) continue;
    const map = maps[space];
    const from = firstEndingAfter(map, offset);
    let to = from;
    for (; to < map.length && map[to].lo < offset + bytes; to++) {
      const p = map[to].placement;
      if (placements[p].last >= first && !isInPlace(plan, p, q)) {
        faults.add('overlap', `${names.placement(p)} and ${names.placement(q)} share bytes while both live`);
        continue;
      }
      // Steps of one engine run in their order, and those that touched `p` come before those that fill `q`.
      if (before.isOneChain) continue;
      last[p] ??= lastPerChain(histories.touchesOf(p), before);
      checkReuse(p, q, last[p], before, histories, faults, names);
    }
    // One that nothing ever touches orders nothing itself: it stands for what it covers.
    if (!before.isOneChain && !histories.isTouched(q)) last[q] = map.slice(from, to).flatMap(({ placement }) => last[placement] ?? []);
    take(map, from, to, offset, offset + bytes, q);
  }
}

/** Placements by their first time, then by their last. */
function byTime(placements: Plan['placements']): Int32Array {
  const first = new Int32Array(placements.length);
  const last = new Int32Array(placements.length);
  for (let p = 0; p < placements.length; p++) {
    first[p] = placements[p].first;
    last[p] = placements[p].last;
  }
  return ascending(first, last);
}

/** The bytes are the placement's now, in place of the fragments from `from` to `to`, of which the rest stays. */
function take(map: Fragment[], from: number, to: number, lo: number, hi: number, placement: number): void {
  if (to - from === 1 && map[from].lo === lo && map[from].hi === hi) {
    map[from].placement = placement;
    return;
  }
  const rest: Fragment[] = [];
  if (from < to && map[from].lo < lo) rest.push({ lo: map[from].lo, hi: lo, placement: map[from].placement });
  rest.push({ lo, hi, placement });
  if (from < to && map[to - 1].hi > hi) rest.push({ lo: hi, hi: map[to - 1].hi, placement: map[to - 1].placement });
  map.splice(from, to - from, ...rest);
}

function firstEndingAfter(map: readonly Fragment[], offset: number): number {
  let [lo, hi] = [0, map.length];
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (map[mid].hi <= offset) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}

/** Everything that touched `p` has ended before anything fills `q` (an input arrives just before its first reader). */
function checkReuse(
  p: number,
  q: number,
  touches: readonly number[],
  before: HappensBefore,
  histories: Histories,
  faults: Faults,
  names: Names,
): void {
  const fills = histories.given[q] ? [...histories.touchesOf(q)].reverse() : histories.fillsOf(q).map(({ step }) => step);
  for (const fill of new Set(fills)) {
    for (const touch of touches) {
      if (before.ordered(touch, fill)) continue;
      faults.add(
        'order',
        `${names.step(fill)} fills ${names.placement(q)} but does not wait for ${names.step(touch)}, which uses the same bytes as ${names.placement(p)}`,
      );
      return;
    }
  }
}

/** Of touches, the last first, those that no later one is known to follow. */
function lastPerChain(touches: Iterable<number>, before: HappensBefore): number[] {
  const last: number[] = [];
  for (const touch of touches) if (!last.some((later) => before.ordered(touch, later))) last.push(touch);
  return last;
}

/**
 * `q` takes over the bytes of `p` at the step at which `p` ends and `q` begins: a task that reads all of p's region and writes all of
 * q's, element for element at the same addresses (by strides over the domain, so that orders and unit dimensions do not matter), by operands that the operation says may share, and reads p's region in no other way.
 */
function isInPlace(plan: Plan, p: number, q: number): boolean {
  const { placements, steps, decomposition, program } = plan;
  const [a, b] = [placements[p], placements[q]];
  if (a.last !== b.first || a.offset !== b.offset || a.bytes !== b.bytes || !('region' in a.holds) || !('region' in b.holds)) return false;
  const step = steps[b.first - 1];
  if (step?.kind !== 'task') return false;
  const task = decomposition.tasks[step.task];
  const { operands } = program.operations[task.operation];
  const [old, made] = [decomposition.regions[a.holds.region], decomposition.regions[b.holds.region]];
  const writes = task.accesses.filter(({ instance, mode, box }) => instance === made.instance && mode === 'write' && within(made.box, box));
  const reads = task.accesses.filter(({ instance, box }) => instance === old.instance && meets(box, old.box));
  if (writes.length !== 1 || reads.length !== 1 || writes[0].operand < 0 || !within(old.box, reads[0].box)) return false;
  const write = operands[writes[0].operand];
  if (write.inPlaceOf === undefined || write.inPlaceOf !== reads[0].operand) return false;
  const from = layout(operands[write.inPlaceOf].map, old.box, decomposition.instances[old.instance].order);
  const to = layout(operands[writes[0].operand].map, made.box, decomposition.instances[made.instance].order);
  return from !== undefined && to !== undefined && sameLayout(from, to, task.box) && sameLayout(to, from, task.box);
}

function meets(a: Box, b: Box): boolean {
  return a.every(([lo, hi], d) => Math.max(lo, b[d][0]) < Math.min(hi, b[d][1]));
}

/** Per dimension of the domain (`d`) or of what a point takes at once (`s`): the part that a region holds, and its stride in there. */
type Layout = ReadonlyMap<string, { readonly lo: number; readonly hi: number; readonly stride: number }>;

function layout(map: IndexMap, box: Box, order: readonly number[]): Layout | undefined {
  const strides = new Array<number>(box.length).fill(1);
  const dims = order.length > 0 ? order : box.map((_, d) => d);
  for (let k = dims.length - 2; k >= 0; k--) strides[dims[k]] = strides[dims[k + 1]] * (box[dims[k + 1]][1] - box[dims[k + 1]][0]);
  const found = new Map<string, { lo: number; hi: number; stride: number }>();
  let taken = 0;
  for (const [d, range] of map.entries()) {
    const at = plain(range);
    if (!at || range === 'all') return undefined;
    const [lo, hi] = [box[d][0] - at[1], box[d][1] - at[1]];
    const size = range.size ?? 1;
    if (size > 1 && at[0] >= 0) return undefined;
    const key = at[0] >= 0 ? `d${at[0]}` : `s${taken++}`;
    if (at[0] < 0 && size === 1) {
      taken--;
      if (lo !== 0 || hi !== 1) return undefined;
      continue;
    }
    if (found.has(key)) return undefined;
    found.set(key, { lo, hi, stride: hi - lo > 1 ? strides[d] : 0 });
  }
  return found;
}

/** Every dimension of `a` is in `b` alike; one that is missing there must stand still in the task. */
function sameLayout(a: Layout, b: Layout, task: Box): boolean {
  return [...a].every(([key, { lo, hi, stride }]) => {
    const other = b.get(key);
    if (other) return other.lo === lo && other.hi === hi && other.stride === stride;
    const side = key.startsWith('d') ? task[Number(key.slice(1))] : undefined;
    return hi - lo === 1 && (side === undefined || (side[0] === lo && side[1] === hi));
  });
}
