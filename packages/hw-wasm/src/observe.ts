import { type Observations, type Plan, READS, touchedRegions, WRITES } from '@regrain/core-ir/runtime';

/** What one run on one thread showed: nothing waits for regions there. `start` and `end` per step, in nanoseconds. */
export function observationsOf(plan: Plan, start: Float64Array, end: Float64Array): Observations {
  const { decomposition, program, steps } = plan;
  const { regions, instances } = decomposition;
  const zeros = (): Float64Array => new Float64Array(regions.length);
  const [waited, busy, read, filled, accesses] = [zeros(), zeros(), zeros(), zeros(), zeros()];
  const { row, region, how } = touchedRegions(decomposition, (instance) => program.tensors[instances[instance].tensor].kind === 'constant');
  const together = new Map<number, number>();
  steps.forEach((step, s) => {
    if (step.kind !== 'task') return;
    const [from, to] = [row[step.task], row[step.task + 1]];
    for (let k = from; k < to; k++) {
      const r = region[k];
      busy[r] += end[s] - start[s];
      accesses[r]++;
      if (how[k] & READS) read[r] += regions[r].bytes;
      if (how[k] & WRITES) filled[r] += regions[r].bytes;
      for (let other = from; other < k; other++) {
        const o = region[other];
        if (regions[o].instance !== regions[r].instance) continue;
        const key = Math.min(o, r) * regions.length + Math.max(o, r);
        together.set(key, (together.get(key) ?? 0) + 1);
      }
    }
  });
  const coaccess = [...together].map(([key, tasks]) => [Math.floor(key / regions.length), key % regions.length, tasks] as const);
  return { unit: 'ns', start, end, waited, busy, read, filled, accesses, coaccess };
}
