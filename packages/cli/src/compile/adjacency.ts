import { ELEMENT_BYTES, indexRegions, intersect, type Plan, volume } from '@regrain/core-ir';

/**
 * Of the bytes that tasks read together but that lie in several regions of one instance, the share that follows its predecessor without
 * a gap in memory: 1 = every read is one run, 0 = every region is a run of its own (and 1 where no read meets two regions).
 */
export function adjacencyOf(plan: Plan): number {
  const { decomposition, steps, placements } = plan;
  const placementsOf: number[][] = decomposition.regions.map(() => []);
  placements.forEach(({ holds }, p) => {
    if ('region' in holds) placementsOf[holds.region].push(p);
  });
  const indexes = indexRegions(decomposition);
  let together = 0;
  let contiguous = 0;
  steps.forEach((step, i) => {
    if (step.kind !== 'task') return;
    const placementAt = (region: number): number =>
      placementsOf[region].find((p) => placements[p].first <= i + 1 && i + 1 <= placements[p].last) ?? -1;
    for (const { instance, box, mode } of decomposition.tasks[step.task].accesses) {
      if (mode === 'write') continue;
      const regions = indexes[instance].touched(box);
      if (regions.length < 2) continue;
      regions.sort((a, b) => inOrder(decomposition.regions[a].box, decomposition.regions[b].box));
      const elementBytes = ELEMENT_BYTES[decomposition.instances[instance].dtype];
      for (let k = 1; k < regions.length; k++) {
        const [before, here] = [placementAt(regions[k - 1]), placementAt(regions[k])];
        // What is not placed (constants, external inputs) has no neighbours to choose.
        if (before < 0 || here < 0) continue;
        const bytes = volume(intersect(box, decomposition.regions[regions[k]].box) ?? [[0, 0]]) * elementBytes;
        together += bytes;
        const [p, q] = [placements[before], placements[here]];
        if (p.space === q.space && p.offset + p.bytes === q.offset) contiguous += bytes;
      }
    }
  });
  return together === 0 ? 1 : contiguous / together;
}

/** Boxes in the order in which a row-major reader meets them. */
function inOrder(a: readonly (readonly [number, number])[], b: readonly (readonly [number, number])[]): number {
  for (let d = 0; d < a.length; d++) if (a[d][0] !== b[d][0]) return a[d][0] - b[d][0];
  return 0;
}
