import { type Plan, type ReuseDistance, reuseDistance, touchedRegions } from '@regrain/core-ir';

/** Reuse distances of the regions that the plan places, in the order of its tasks. */
export function reuseDistanceOf({ decomposition, placements, steps }: Plan): ReuseDistance {
  const placed = new Uint8Array(decomposition.instances.length);
  for (const { holds } of placements) if ('region' in holds) placed[decomposition.regions[holds.region].instance] = 1;
  const touches = touchedRegions(decomposition, (instance) => placed[instance] === 0);
  const order = steps.flatMap((step) => (step.kind === 'task' ? [step.task] : []));
  return reuseDistance(
    touches,
    decomposition.regions.map(({ bytes }) => bytes),
    order,
  );
}
