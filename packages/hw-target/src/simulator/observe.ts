import { intersect, type Observations, type Plan, READS, type RegionIndexes, WRITES } from '@regrain/core-ir';
import { countCoaccess } from './coaccess.js';
import type { Timeline, Work } from './events.js';
import type { Touches } from './touches.js';

/**
 * What monitors would have counted. A step that starts after its engine was free has waited: the time is charged to the regions
 * through which the predecessor that ended last reaches it (both access them, one writes), or, where it only frees bytes, to the
 * regions that this step is the first to use.
 */
export function observe(plan: Plan, indexes: RegionIndexes, touches: Touches, work: Work, { start, end, free }: Timeline): Observations {
  const { decomposition, program, steps, placements } = plan;
  const { regions, instances, tasks } = decomposition;
  const waited = new Float64Array(regions.length);
  const busy = new Float64Array(regions.length);
  const read = new Float64Array(regions.length);
  const filled = new Float64Array(regions.length);
  const accesses = new Float64Array(regions.length);
  const stamp = new Int32Array(regions.length).fill(-1);
  const opened = firstUses(plan);

  // What a run starts with was filled by the caller.
  for (let r = 0; r < regions.length; r++)
    if (program.tensors[instances[regions[r].instance].tensor].kind !== 'computed') filled[r] = regions[r].bytes;

  for (let i = 0; i < steps.length; i++) {
    const step = steps[i];
    if (step.kind === 'task') {
      for (let k = touches.row[step.task]; k < touches.row[step.task + 1]; k++) {
        const region = touches.region[k];
        accesses[region]++;
        if (touches.mode[k] & READS) read[region] += touches.bytes[k];
        if (touches.mode[k] & WRITES) filled[region] += touches.bytes[k];
        if (stamp[region] === i) continue;
        stamp[region] = i;
        busy[region] += end[i] - start[i];
      }
    } else {
      const { holds, space, bytes } = placements[step.to];
      if ('region' in holds && plan.machine.spaces[space].counted) filled[holds.region] += bytes;
    }
    if (start[i] <= free[i] || work.waitRow[i + 1] === work.waitRow[i]) continue;
    // A hardware window may hold a step back further; no region is to blame for that.
    const last = lastToEnd(i);
    if (end[last] > free[i]) charge(i, last, end[last] - free[i]);
  }
  return { unit: 'cycle', start, end, waited, busy, read, filled, accesses, coaccess: countCoaccess(decomposition, indexes, touches) };

  function lastToEnd(i: number): number {
    let last = work.waits[work.waitRow[i]];
    for (let k = work.waitRow[i] + 1; k < work.waitRow[i + 1]; k++) if (end[work.waits[k]] > end[last]) last = work.waits[k];
    return last;
  }

  function charge(i: number, by: number, time: number): void {
    const step = steps[i];
    const before = steps[by];
    const charged = new Set<number>();
    if (step.kind === 'move' || before.kind === 'move') {
      for (const move of [step, before]) {
        if (move.kind !== 'move') continue;
        const { holds } = placements[move.to];
        if ('region' in holds) charged.add(holds.region);
        if (charged.size > 0) break;
      }
    } else {
      for (const mine of tasks[step.task].accesses) {
        for (const theirs of tasks[before.task].accesses) {
          if (mine.instance !== theirs.instance || (mine.mode === 'read' && theirs.mode === 'read')) continue;
          const common = intersect(mine.box, theirs.box);
          if (!common) continue;
          for (const region of indexes.touched(mine.instance, common)) charged.add(region);
        }
      }
      if (charged.size === 0) for (const region of opened(i)) charged.add(region);
    }
    for (const region of charged) waited[region] += time;
  }
}

/** Regions whose bytes are first held at a step: those that waited for the bytes to be free. */
function firstUses({ placements, steps }: Plan): (step: number) => readonly number[] {
  const by = new Map<number, number[]>();
  for (const { holds, first } of placements) {
    if (!('region' in holds) || first < 1 || first > steps.length) continue;
    const list = by.get(first - 1);
    if (list) list.push(holds.region);
    else by.set(first - 1, [holds.region]);
  }
  return (step) => by.get(step) ?? [];
}
