import { programOf } from '../expand/copies.js';
import { withRegions } from '../expand/edit.js';
import type { Packing } from '../extension-points/allocator.js';
import type { Residency } from '../extension-points/mover.js';
import type { Grain } from '../ir/grain.js';
import type { Machine } from '../ir/machine.js';
import type { Program } from '../ir/program.js';
import { liveProfileOf } from '../plan/live-profile.js';
import type { Drafted } from './draft.js';
import { boxesOf, gridsOf, type Life, livesOf, type RegionGrid } from './region-grid.js';

/** How far neighbours are merged. */
export interface Merging {
  /** So many at least, or half as many and so on where that does not fit. */
  readonly least: number;
  /** What lives may grow to this share of the most that lives, where less does. */
  readonly room: number;
  /** And by this share at any time. */
  readonly slack: number;
}

/**
 * The grain with larger regions: neighbours along the innermost dimension that is cut, but for blocks of the innermost of all, are merged
 * as far as is asked, and until their bytes are a multiple of the alignment, so that the next can lie behind them without a gap, or all are
 * one. First regions that alignment keeps apart, of these and the others those that `near` (by residencies) wishes most of. Tasks stay as
 * they are. Undefined where nothing is merged. O((lives + steps) × log least).
 */
export function mergedGrain(
  program: Program,
  { grain, work, residencies, steps }: Drafted<'grain' | 'work' | 'residencies' | 'steps'>,
  machine: Machine,
  pinned: ReadonlySet<string>,
  near: Packing['near'],
  { least, room, slack }: Merging,
): Grain | undefined {
  const whole = programOf(program, grain);
  const grids = gridsOf(whole, { work, residencies }, pinned);
  const spaces = machine.spaces.map((_, space) => new Room(residencies, steps.length, machine, space, room, slack));
  const factors = grids.map(({ ranges }) => ranges.map(() => 1));
  /** Merges so many along an axis, if that fits. */
  const merge = (k: number, axis: number, count: number): boolean => {
    const wanted = factors[k].map((factor, d) => (d === axis ? count : factor));
    if (!spaces[grids[k].space].exchange(livesOf(grids[k], factors[k]), livesOf(grids[k], wanted))) return false;
    factors[k] = wanted;
    return true;
  };
  for (const k of mostWished(grids, residencies, machine, near)) {
    const { axis, lives, ranges, space } = grids[k];
    const { align } = machine.spaces[space];
    const { length } = ranges[axis];
    for (let wanted = Math.min(least, length); wanted >= 1; wanted = Math.floor(wanted / 2)) {
      let count = wanted;
      while (count < length && (count * lives[0].bytes) % align > 0) count++;
      if (count === 1 || merge(k, axis, count)) break;
    }
  }
  let found = grain;
  for (const [k, grid] of grids.entries()) {
    if (factors[k].every((factor) => factor === 1)) continue;
    found = withRegions(whole, found, grid.tensor, boxesOf(grid, factors[k]), false, () => undefined);
  }
  return found === grain ? undefined : found;
}

/** Grids by the bytes of wishes that alignment forbids, then by those of all, the most first. */
function mostWished(grids: readonly RegionGrid[], residencies: readonly Residency[], machine: Machine, near: Packing['near']): number[] {
  const gridOf = new Map<Residency, number>();
  grids.forEach(({ lives }, k) => {
    for (const life of lives) gridOf.set(life, k);
  });
  const torn = new Float64Array(grids.length);
  const wished = new Float64Array(grids.length);
  for (const [a, , bytes] of near) {
    const k = gridOf.get(residencies[a]);
    if (k === undefined) continue;
    wished[k] += bytes;
    if (residencies[a].bytes % machine.spaces[residencies[a].space].align > 0) torn[k] += bytes;
  }
  return [...grids.keys()].sort((a, b) => torn[b] - torn[a] || wished[b] - wished[a] || a - b);
}

/** What lives in one space at every time, each rounded up to the alignment, and what may. */
class Room {
  private readonly live: Float64Array;
  private readonly allowed: Float64Array;
  private readonly align: number;

  constructor(
    residencies: readonly Residency[],
    steps: number,
    { spaces }: Machine,
    private readonly space: number,
    room: number,
    slack: number,
  ) {
    this.align = spaces[space].align;
    const rounded = residencies.map((each) => (each.space === space ? { ...each, bytes: this.padded(each.bytes) } : each));
    this.live = liveProfileOf(rounded, this.space, steps);
    const most = this.live.reduce((high, bytes) => Math.max(high, bytes), 0);
    this.allowed = this.live.map((bytes) => Math.max(bytes, Math.min(most * (1 + slack), Math.max(room * most, bytes * (1 + slack)))));
  }

  /** Puts some lives in place of others, unless that takes more than is allowed at a time at which it takes more than before. */
  exchange(before: readonly Life[], after: readonly Life[]): boolean {
    const first = before.reduce((least, life) => Math.min(least, life.first), Number.POSITIVE_INFINITY);
    const last = before.reduce((most, life) => Math.max(most, life.last), 0);
    const change = new Float64Array(last - first + 2);
    const add = (lives: readonly Life[], sign: number): void => {
      for (const life of lives) {
        change[life.first - first] += sign * this.padded(life.bytes);
        change[life.last + 1 - first] -= sign * this.padded(life.bytes);
      }
    };
    add(before, -1);
    add(after, 1);
    for (let k = 1; k < change.length; k++) change[k] += change[k - 1];
    for (let t = first; t <= last; t++) if (change[t - first] > 0 && this.live[t] + change[t - first] > this.allowed[t]) return false;
    for (let t = first; t <= last; t++) this.live[t] += change[t - first];
    return true;
  }

  private padded(bytes: number): number {
    return Math.ceil(bytes / this.align) * this.align;
  }
}
