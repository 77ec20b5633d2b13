import type { Residency } from '../extension-points/mover.js';

/**
 * Without the ties that given offsets tear apart: a write that could take the bytes of what it reads has bytes of its own where the user
 * pins both to different places. `offsets`: of residencies that are pinned. Near-linear (union-find over ties, with distances).
 */
export function withoutTornTies(residencies: readonly Residency[], offsets: ReadonlyMap<number, number>): readonly Residency[] {
  if (offsets.size === 0 || !residencies.some(({ with: tie }) => tie)) return residencies;
  const parent = Int32Array.from(residencies.keys());
  /** Offset of a residency less that of its parent. */
  const shift = new Float64Array(residencies.length);
  const given = new Map(offsets);
  const root = (r: number): readonly [root: number, shift: number] => {
    let at = r;
    let sum = 0;
    while (parent[at] !== at) {
      sum += shift[at];
      at = parent[at];
    }
    parent[r] = at;
    shift[r] = sum;
    return [at, sum];
  };
  return residencies.map((residency, r) => {
    const { with: tie } = residency;
    if (!tie) return residency;
    const [a, aShift] = root(r);
    const [b, bShift] = root(tie.placement);
    if (a === b) return residency;
    // The offset of root a, less that of root b, if the tie holds.
    const apart = bShift + tie.delta - aShift;
    const [ofA, ofB] = [given.get(a), given.get(b)];
    if (ofA !== undefined && ofB !== undefined && ofA !== ofB + apart) {
      const { with: _, ...free } = residency;
      return free;
    }
    parent[a] = b;
    shift[a] = apart;
    if (ofA !== undefined && ofB === undefined) given.set(b, ofA - apart);
    return residency;
  });
}
