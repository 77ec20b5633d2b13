import { type Box, intersect } from '../../ir/box.js';
import { bounds, dimensionsOf, type IndexMap, shifted } from '../../ir/index-map.js';
import { domainBox, type Operation } from '../../ir/program.js';
import { gaplessAlong } from './gapless.js';

/**
 * Whether the elements of `box` (of a tensor that an operation reads by `map`) can be spread evenly over what it writes: shares on the
 * pairs (element read, element that needs it) that sum to the same for every element read, and to the same for every element
 * written. Then a flow between the two tensors is one between their elements. Shown axis by axis: an axis that follows one
 * dimension of the domain by a transport along it, any other by all of it being read at every point.
 */
export function spreadsEvenly(operation: Operation, map: IndexMap, box: Box, writes: IndexMap): boolean {
  const domain = domainBox(operation);
  const wide = (d: number): boolean => operation.domain[d].extent > 1;
  const written = new Set(writes.flatMap((range) => shifted(range)?.d ?? []));
  const used = new Set<number>();
  return map.every((range, axis) => {
    if (range === 'all') return false;
    const { at, size = 1 } = range;
    const dimensions = [...dimensionsOf(at)].filter(wide);
    if (dimensions.some((d) => used.has(d))) return false;
    for (const d of dimensions) used.add(d);
    const along = dimensions.filter((d) => operation.domain[d].kind === 'parallel');
    if (along.length > 1 || along.some((d) => !written.has(d))) return false;
    const [lo, hi] = box[axis];
    const read = (over: Box): readonly [number, number] | undefined => {
      if (dimensions.length > along.length && !gaplessAlong(at, size, over)) return undefined;
      const [least, most] = bounds(at, over);
      return intersect([[least, most + size]], [[lo, hi]])?.[0];
    };
    if (along.length === 0) {
      const all = read(domain);
      return all !== undefined && all[0] === lo && all[1] === hi;
    }
    const [d] = along;
    const point = (k: number): Box => domain.map((whole, at) => (at === d ? ([k, k + 1] as const) : whole));
    return transports(lo, hi, operation.domain[d].extent, (k) => read(point(k)));
  });
}

/** Whether elements lo..hi can give even shares to `extent` receivers, each of which takes from an interval; in order. O(elements). */
function transports(lo: number, hi: number, extent: number, taken: (k: number) => readonly [number, number] | undefined): boolean {
  let element = lo;
  let left = extent;
  for (let k = 0; k < extent; k++) {
    const interval = taken(k);
    if (!interval) return false;
    for (let wanted = hi - lo; wanted > 0; ) {
      if (element < interval[0] || element >= interval[1]) return false;
      const given = Math.min(wanted, left);
      wanted -= given;
      left -= given;
      if (left > 0) continue;
      element++;
      left = extent;
    }
  }
  return true;
}
