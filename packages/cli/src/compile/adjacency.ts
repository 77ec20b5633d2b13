import { indexRegions, type Plan, readParts } from '@regrain/core-ir';

/** How what tasks read lies in memory, summed over all reads of one run. */
export interface AdjacencyFigures {
  /** Bytes behind a seam of two regions in a line of a read, and of those the ones where both lie side by side. */
  readonly coaccessedBytes: number;
  readonly contiguousBytes: number;
  /** Runs of consecutive bytes that are read, and the fewest: as if every tensor were stored whole. */
  readonly descriptors: number;
  readonly leastDescriptors: number;
}

/**
 * Of the bytes that tasks read across a seam of two regions, those that follow the region before without a gap in memory. Only reads of
 * what is placed count: not constants, nor external inputs.
 */
export function adjacencyFigures(plan: Plan): AdjacencyFigures {
  const { program, decomposition, steps, placements } = plan;
  const placementsOf: number[][] = decomposition.regions.map(() => []);
  placements.forEach(({ holds }, p) => {
    if ('region' in holds) placementsOf[holds.region].push(p);
  });
  const indexes = indexRegions(decomposition);
  const placed = decomposition.instances.map(() => false);
  decomposition.regions.forEach(({ instance }, region) => {
    if (placementsOf[region].length > 0) placed[instance] = true;
  });
  const sum = { coaccessedBytes: 0, contiguousBytes: 0, descriptors: 0, leastDescriptors: 0 };
  steps.forEach((step, i) => {
    if (step.kind !== 'task') return;
    const placementAt = (region: number): number =>
      placementsOf[region].find((p) => placements[p].first <= i + 1 && i + 1 <= placements[p].last) ?? -1;
    for (const access of decomposition.tasks[step.task].accesses) {
      if (access.mode === 'write' || !placed[access.instance]) continue;
      const { lines, pieces, seams } = readParts(program, decomposition, indexes.at(access.instance), access);
      sum.descriptors += pieces;
      sum.leastDescriptors += lines;
      for (const [a, b, bytes] of seams) {
        const [before, here] = [placements[placementAt(a)], placements[placementAt(b)]];
        sum.coaccessedBytes += bytes;
        if (!before || !here || before.space !== here.space || before.offset + before.bytes !== here.offset) continue;
        sum.contiguousBytes += bytes;
        sum.descriptors--;
      }
    }
  });
  return sum;
}

/** Co-accessed bytes that are contiguous ÷ co-accessed bytes; 1 where no read meets a seam. */
export function adjacencyOf({ coaccessedBytes, contiguousBytes }: AdjacencyFigures): number {
  return coaccessedBytes === 0 ? 1 : contiguousBytes / coaccessedBytes;
}
