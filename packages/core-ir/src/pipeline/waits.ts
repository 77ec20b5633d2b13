import type { Touches } from '../expand/touches.js';
import type { Dependences } from '../ir/dependences.js';
import type { Placement, Step } from '../ir/plan.js';

/**
 * Adds the waits that reuse of memory asks for: where a placement takes bytes that another had before, its first user on each engine
 * waits for the other's last users on other engines (DESIGN: the dependence analysis over addresses). Within an engine its own order
 * is enough. Sweeps the placements by time over who had which bytes last; O(n log n) search, n placements.
 */
export function withReuseWaits(touches: Touches, steps: readonly Step[], placements: readonly Placement[]): readonly Step[] {
  const engines = steps.reduce((most, { engine }) => Math.max(most, engine + 1), 0);
  if (steps.every(({ engine }) => engine === steps[0].engine)) return steps;
  const uses = usesOf(touches, steps, placements, engines);
  const waits = steps.map((step) => new Set(step.waits));
  const order = [...placements.keys()].sort((a, b) => placements[a].first - placements[b].first || placements[a].last - placements[b].last);
  const owners = new Map<number, Owners>();
  for (const q of order) {
    const { space, offset, bytes } = placements[q];
    // Bytes that no step uses order nothing; who had them before stays the one to wait for.
    if (bytes === 0 || !uses.used(q)) continue;
    let own = owners.get(space);
    if (!own) {
      own = new Owners();
      owners.set(space, own);
    }
    for (const p of own.take(offset, offset + bytes, q)) {
      for (let later = 0; later < engines; later++) {
        const step = uses.first[q * engines + later];
        if (step < 0) continue;
        for (let earlier = 0; earlier < engines; earlier++) {
          const last = uses.last[p * engines + earlier];
          if (earlier !== later && last >= 0 && last < step) waits[step].add(last);
        }
      }
    }
  }
  return steps.map((step, i) => (waits[i].size === step.waits.length ? step : { ...step, waits: latestPerEngine(waits[i], steps) }));
}

/**
 * Adds the waits that dependences between tasks on different engines ask for, so that a mover needs to name only what its moves
 * wait for and what waits for them.
 */
export function withDependenceWaits({ row, from }: Dependences, steps: readonly Step[]): readonly Step[] {
  if (steps.every(({ engine }) => engine === steps[0].engine)) return steps;
  const stepOf = new Int32Array(row.length - 1).fill(-1);
  steps.forEach((step, i) => {
    if (step.kind === 'task') stepOf[step.task] = i;
  });
  return steps.map((step) => {
    if (step.kind !== 'task') return step;
    const waits = new Set(step.waits);
    for (let e = row[step.task]; e < row[step.task + 1]; e++) {
      const earlier = stepOf[from[e]];
      if (steps[earlier].engine !== step.engine) waits.add(earlier);
    }
    return waits.size === step.waits.length ? step : { ...step, waits: latestPerEngine(waits, steps) };
  });
}

/** An engine runs its steps in order, so of its steps the latest is enough. */
function latestPerEngine(waits: ReadonlySet<number>, steps: readonly Step[]): number[] {
  const latest = new Map<number, number>();
  for (const wait of waits) latest.set(steps[wait].engine, Math.max(wait, latest.get(steps[wait].engine) ?? -1));
  return [...latest.values()].sort((a, b) => a - b);
}

/** Per placement and engine the first and the last step that uses it; -1 for none. */
function usesOf({ row, region }: Touches, steps: readonly Step[], placements: readonly Placement[], engines: number) {
  const first = new Int32Array(placements.length * engines).fill(-1);
  const last = new Int32Array(placements.length * engines).fill(-1);
  const ofRegion = new Map<number, number[]>();
  const ofTask = new Map<number, number[]>();
  placements.forEach(({ holds }, p) => {
    const [map, key] = 'region' in holds ? [ofRegion, holds.region] : [ofTask, holds.scratch];
    const list = map.get(key);
    if (list) list.push(p);
    else map.set(key, [p]);
  });
  steps.forEach((step, i) => {
    const use = (p: number): void => {
      const at = p * engines + step.engine;
      if (first[at] < 0) first[at] = i;
      last[at] = i;
    };
    if (step.kind === 'move') {
      use(step.from);
      use(step.to);
      return;
    }
    for (const p of ofTask.get(step.task) ?? []) use(p);
    for (let e = row[step.task]; e < row[step.task + 1]; e++) {
      for (const p of ofRegion.get(region[e]) ?? []) if (placements[p].first <= i + 1 && i + 1 <= placements[p].last) use(p);
    }
  });
  return { first, last, used: (p: number) => last.subarray(p * engines, (p + 1) * engines).some((step) => step >= 0) };
}

/** Who used which bytes last: disjoint intervals, ascending. */
class Owners {
  private readonly from: number[] = [];
  private readonly to: number[] = [];
  private readonly who: number[] = [];

  /** Gives `[lo, hi)` to `who` and returns those that had a part of it. */
  take(lo: number, hi: number, who: number): Set<number> {
    let start = 0;
    let end = this.to.length;
    while (start < end) {
      const mid = (start + end) >> 1;
      if (this.to[mid] <= lo) start = mid + 1;
      else end = mid;
    }
    const before = new Set<number>();
    const from = [lo];
    const to = [hi];
    const by = [who];
    let stop = start;
    for (; stop < this.from.length && this.from[stop] < hi; stop++) {
      before.add(this.who[stop]);
      if (this.from[stop] < lo) insertFirst(from, to, by, this.from[stop], lo, this.who[stop]);
      if (this.to[stop] > hi) {
        from.push(hi);
        to.push(this.to[stop]);
        by.push(this.who[stop]);
      }
    }
    this.from.splice(start, stop - start, ...from);
    this.to.splice(start, stop - start, ...to);
    this.who.splice(start, stop - start, ...by);
    return before;
  }
}

function insertFirst(from: number[], to: number[], by: number[], lo: number, hi: number, who: number): void {
  from.unshift(lo);
  to.unshift(hi);
  by.unshift(who);
}
