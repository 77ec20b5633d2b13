import type { Box } from '@regrain/core-ir';

/** The product of the intervals between the cuts of each dimension; `[]` where nothing is cut. */
export function tiles(shape: readonly number[], cuts: readonly (readonly number[])[]): Box[] {
  if (cuts.every((list) => list.length === 0)) return [];
  let boxes: Box[] = [[]];
  shape.forEach((extent, d) => {
    const edges = [0, ...cuts[d], extent];
    boxes = boxes.flatMap((box) => edges.slice(1).map((hi, k) => [...box, [edges[k], hi] as const]));
  });
  return boxes;
}
