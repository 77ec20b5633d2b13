import { type Plan, READS, touchedRegions, WRITES } from '@regrain/core-ir';

/** When steps write and read a region, ascending. */
export interface RegionUses {
  readonly writes: readonly number[];
  readonly reads: readonly number[];
}

/** By region, from the tasks' accesses; of constants too. */
export function usesOf({ decomposition, steps }: Plan): readonly RegionUses[] {
  const { row, region, how } = touchedRegions(decomposition);
  const uses = decomposition.regions.map(() => ({ writes: [] as number[], reads: [] as number[] }));
  steps.forEach((step, i) => {
    if (step.kind !== 'task') return;
    for (let e = row[step.task]; e < row[step.task + 1]; e++) {
      if (how[e] & WRITES) uses[region[e]].writes.push(i + 1);
      if (how[e] & READS) uses[region[e]].reads.push(i + 1);
    }
  });
  return uses;
}

/** The last read at or after a time; undefined where nobody reads it any more. */
export function lastRead({ reads }: RegionUses, time: number): number | undefined {
  const last = reads.at(-1);
  return last !== undefined && last >= time ? last : undefined;
}

/** Whether a step at this time reads or writes it. */
export function usedAt({ writes, reads }: RegionUses, time: number): boolean {
  return writes.includes(time) || reads.includes(time);
}

/** Names of the operations at these times, each once, in order. */
export function operationsAt({ steps, decomposition, program }: Plan, times: readonly number[]): readonly string[] {
  const found = new Set<string>();
  for (const time of times) {
    const step = steps[time - 1];
    if (step?.kind === 'task') found.add(program.operations[decomposition.tasks[step.task].operation].name);
  }
  return [...found];
}
