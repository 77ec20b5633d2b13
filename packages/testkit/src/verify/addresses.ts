import type { Box, IndexMap, Plan } from '@regrain/core-ir';
import { type Faults, Names } from './faults.js';
import { equal, within } from './geometry.js';
import type { HappensBefore } from './happens-before.js';
import { plain } from './index-maps.js';
import type { History } from './memory.js';

/** Bytes that a placement was the last to take. */
interface Fragment {
  lo: number;
  hi: number;
  readonly placement: number;
}

/**
 * Rules `overlap` and `order`: no two placements of a space share a byte at one time (but for the pair of an in-place write, which
 * shares one step), and where bytes are used again, all that touched them before has ended before they are filled, by engine order or
 * waits. Sweeps the placements in order of their first time over a map of who took which bytes last. O(n log n) for n placements,
 * times the fragments that each one meets.
 */
export function checkAddresses(plan: Plan, before: HappensBefore, histories: readonly History[], faults: Faults): void {
  const { placements, machine } = plan;
  const order = placements
    .map((_, p) => p)
    .sort((a, b) => placements[a].first - placements[b].first || placements[a].last - placements[b].last || a - b);
  const maps: Fragment[][] = machine.spaces.map(() => []);
  const names = new Names(plan);
  const last: number[][] = [];
  for (const q of order) {
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
      last[p] ??= lastPerChain(histories[p].touches, before);
      checkReuse(p, q, last[p], before, histories, faults, names);
    }
    // One that nothing ever touches orders nothing itself: it stands for what it covers.
    if (histories[q].touches.length === 0) last[q] = map.slice(from, to).flatMap(({ placement }) => last[placement] ?? []);
    const rest: Fragment[] = [];
    for (let k = from; k < to; k++) {
      const { lo, hi, placement } = map[k];
      if (lo < offset) rest.push({ lo, hi: offset, placement });
      if (hi > offset + bytes) rest.push({ lo: offset + bytes, hi, placement });
    }
    rest.push({ lo: offset, hi: offset + bytes, placement: q });
    rest.sort((a, b) => a.lo - b.lo);
    map.splice(from, to - from, ...rest);
  }
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
  histories: readonly History[],
  faults: Faults,
  names: Names,
): void {
  const fills = histories[q].given ? histories[q].touches : histories[q].fills.map(({ step }) => step);
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

/** The touches that no later touch is known to follow. */
function lastPerChain(touches: readonly number[], before: HappensBefore): number[] {
  const last: number[] = [];
  for (let k = touches.length - 1; k >= 0; k--) {
    if (!last.some((later) => before.ordered(touches[k], later))) last.push(touches[k]);
  }
  return last;
}

/**
 * `q` takes over the bytes of `p` at the step at which `p` ends and `q` begins: a task that reads all of p's region and writes all of
 * q's, element for element at the same addresses, by operands that the operation says may share, and reads p's region in no other way.
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
  const [from, to] = [decomposition.instances[old.instance], decomposition.instances[made.instance]];
  const sameOrder =
    String(from.order.length ? from.order : from.order.keys()) === String(to.order.length ? to.order : to.order.keys()) ||
    straight(from.order) === straight(to.order);
  return sameOrder && sameElements(operands[write.inPlaceOf].map, old.box, write.map, made.box);
}

function straight(order: readonly number[]): string {
  return order.every((d, k) => d === k) ? '' : String(order);
}

function meets(a: Box, b: Box): boolean {
  return a.every(([lo, hi], d) => Math.max(lo, b[d][0]) < Math.min(hi, b[d][1]));
}

/** Both boxes, taken back to the domain, are one, with dimensions in the same places. */
function sameElements(read: IndexMap, readBox: Box, write: IndexMap, writeBox: Box): boolean {
  if (read.length !== write.length) return false;
  const origin = (map: IndexMap, box: Box): Box | undefined => {
    const sides: (readonly [number, number])[] = [];
    for (const [d, range] of map.entries()) {
      const at = plain(range);
      if (!at) return undefined;
      sides.push([box[d][0] - at[1], box[d][1] - at[1]]);
    }
    return sides;
  };
  const [from, to] = [origin(read, readBox), origin(write, writeBox)];
  if (!from || !to || !equal(from, to)) return false;
  return read.every((range, d) => {
    const [a, b] = [plain(range), plain(write[d])];
    const size = (each: IndexMap[number]): number => (each === 'all' ? 0 : (each.size ?? 1));
    return a !== undefined && b !== undefined && a[0] === b[0] && size(range) === size(write[d]);
  });
}
