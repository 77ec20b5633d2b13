import type { Geometry } from './geometry.js';
import type { SegmentLimits } from './segment.js';

/** Read by operation `last` or a later one, or an output. */
export function readLater({ readers, program }: Geometry, tensor: number, last: number): boolean {
  return (readers[tensor].at(-1) ?? -1) >= last || program.outputs.includes(tensor);
}

/** Bytes of the tensors that live through all of a segment: made before operation `first`, read by `last` or later. */
export function crossingBytes(
  geometry: Geometry,
  { first, last }: { readonly first: number; readonly last: number },
  access: SegmentLimits['access'],
): number {
  const { grids, writers, readers, program } = geometry;
  let bytes = 0;
  for (let tensor = 0; tensor < grids.length; tensor++) {
    const { kind } = program.tensors[tensor];
    if (kind === 'constant' || !readLater(geometry, tensor, last) || access(tensor) === 'external') continue;
    if (kind === 'input') {
      if (access(tensor) === 'streamed' && (readers[tensor][0] ?? last) >= last) continue;
    } else if ((writers[tensor][0] ?? first) >= first) continue;
    bytes += grids[tensor].bytes;
  }
  return bytes;
}
