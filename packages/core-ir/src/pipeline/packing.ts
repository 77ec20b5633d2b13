import { indexRegions } from '../expand/region-index.js';
import { readParts } from '../expand/seams.js';
import type { Buffer, Packing } from '../extension-points/allocator.js';
import type { Residency } from '../extension-points/mover.js';
import type { Constraint } from '../ir/constraint.js';
import type { Decomposition } from '../ir/decomposition.js';
import type { Machine } from '../ir/machine.js';
import type { Placement, Plan, Step } from '../ir/plan.js';
import type { Program } from '../ir/program.js';

/** The packing of one space, and which residency each of its buffers is (-1: reserved by the user). */
export interface SpacePacking {
  readonly space: number;
  readonly packing: Packing;
  readonly residency: Int32Array;
}

/**
 * One packing per space that holds anything: fixed where the user pins, reserved bytes as buffers that live all the time. With
 * `adjacency`, what tasks read together would best lie side by side, at so much more height, as a share, at most. `placed` are the
 * residencies as they were placed before, if they were.
 */
export function packingsOf(
  program: Program,
  work: Decomposition,
  steps: readonly Step[],
  residencies: readonly Residency[],
  machine: Machine,
  constraints: readonly Constraint[],
  adjacency?: number,
  placed?: readonly Placement[],
): SpacePacking[] {
  const bufferOf = new Int32Array(residencies.length);
  const members: number[][] = machine.spaces.map(() => []);
  residencies.forEach(({ space }, r) => {
    bufferOf[r] = members[space].length;
    members[space].push(r);
  });
  const fixed = pinnedOffsets(program, work, residencies, constraints);
  const near = adjacency === undefined ? [] : nearWishes(program, work, steps, residencies);
  return members.flatMap((list, space) => {
    if (list.length === 0) return [];
    const { name, align } = machine.spaces[space];
    const buffers = list.map((r): Buffer => {
      const { bytes, first, last, with: tie } = residencies[r];
      return {
        bytes,
        align,
        first,
        last,
        ...(fixed.has(r) ? { fixed: fixed.get(r) } : {}),
        ...(tie ? { with: { buffer: bufferOf[tie.placement], delta: tie.delta } } : {}),
      };
    });
    const residency = [...list];
    for (const constraint of constraints) {
      if (constraint.kind !== 'reserve' || constraint.space !== name) continue;
      buffers.push({ bytes: constraint.bytes, align: 1, first: 0, last: steps.length + 1, fixed: constraint.offset });
      residency.push(-1);
    }
    const wishes = near.flatMap(([a, b, bytes]) =>
      residencies[a].space === space && residencies[b].space === space ? [[bufferOf[a], bufferOf[b], bytes] as const] : [],
    );
    const start = placed && Float64Array.from(residency, (r, buffer) => (r < 0 ? (buffers[buffer].fixed as number) : placed[r].offset));
    return [
      {
        space,
        packing: {
          capacity: capacityOf(machine, space, constraints),
          buffers,
          near: wishes,
          ...(adjacency ? { slack: adjacency } : {}),
          ...(start ? { start } : {}),
        },
        residency: Int32Array.from(residency),
      },
    ];
  });
}

/** What the machine has and the user allows. */
export function capacityOf(machine: Machine, space: number, constraints: readonly Constraint[]): number {
  const { name, bytes } = machine.spaces[space];
  return constraints.reduce(
    (least, constraint) => (constraint.kind === 'capacity' && constraint.space === name ? Math.min(least, constraint.bytes) : least),
    bytes,
  );
}

/** Two buffers with given offsets that would share bytes while both live; ties and reserved bytes, which are checked before, apart. */
export function fixedClash(buffers: readonly Buffer[]): readonly [number, number] | undefined {
  const fixed = buffers.flatMap(({ fixed: at }, b) => (at === undefined ? [] : [b])).sort((a, b) => at(a) - at(b) || a - b);
  function at(b: number): number {
    return buffers[b].fixed as number;
  }
  for (const [k, a] of fixed.entries()) {
    for (let m = k + 1; m < fixed.length && at(fixed[m]) < at(a) + buffers[a].bytes; m++) {
      const b = fixed[m];
      const tied = buffers[a].with?.buffer === b || buffers[b].with?.buffer === a;
      if (!tied && buffers[a].first <= buffers[b].last && buffers[b].first <= buffers[a].last && buffers[b].bytes > 0) return [a, b];
    }
  }
  return undefined;
}

/** A pinned tensor's regions lie one after the other from its offset, in their order. */
export function pinnedOffsets(
  program: Program,
  work: Decomposition,
  residencies: readonly Residency[],
  constraints: readonly Constraint[],
): Map<number, number> {
  const at = new Map<string, number>();
  for (const each of constraints) if (each.kind === 'pin' && each.offset !== undefined) at.set(each.tensor, each.offset);
  const fixed = new Map<number, number>();
  if (at.size === 0) return fixed;
  const offsetOf = new Map<number, number>();
  work.regions.forEach(({ instance, bytes }, region) => {
    const { tensor, role } = work.instances[instance];
    const { name } = program.tensors[tensor];
    const offset = at.get(name);
    if (offset === undefined || role !== 'primary') return;
    offsetOf.set(region, offset);
    at.set(name, offset + bytes);
  });
  residencies.forEach(({ holds }, r) => {
    const offset = 'region' in holds ? offsetOf.get(holds.region) : undefined;
    if (offset !== undefined) fixed.set(r, offset);
  });
  return fixed;
}

/**
 * Regions that meet in a line of a read would best lie one behind the other: worth the bytes that are read behind the seam, summed over
 * all tasks.
 */
export function nearWishes(
  program: Program,
  work: Decomposition,
  steps: readonly Step[],
  residencies: readonly Pick<Residency, 'holds' | 'first' | 'last'>[],
): (readonly [a: number, b: number, bytes: number])[] {
  const ofRegion: number[][] = work.regions.map(() => []);
  residencies.forEach(({ holds }, r) => {
    if ('region' in holds) ofRegion[holds.region].push(r);
  });
  const liveAt = (id: number, time: number): number => {
    const candidates = ofRegion[id];
    for (const r of candidates) if (residencies[r].first <= time && time <= residencies[r].last) return r;
    return -1;
  };
  const indexes = indexRegions(work);
  const worth = new Map<number, number>();
  steps.forEach((step, i) => {
    if (step.kind !== 'task') return;
    for (const access of work.tasks[step.task].accesses) {
      if (access.mode === 'write') continue;
      for (const [left, right, bytes] of readParts(program, work, indexes.at(access.instance), access).seams) {
        const a = liveAt(left, i + 1);
        const b = liveAt(right, i + 1);
        if (a < 0 || b < 0) continue;
        const key = a * residencies.length + b;
        worth.set(key, (worth.get(key) ?? 0) + bytes);
      }
    }
  });
  return [...worth].map(([key, bytes]) => [Math.floor(key / residencies.length), key % residencies.length, bytes] as const);
}

/** Shares of the bytes that are read behind a seam of two placed regions; 1 where there are none. */
export interface Sharing {
  /** Those of regions that lie side by side. */
  readonly met: number;
  /** Those that some placement could meet: what is no multiple of the alignment has a gap behind it, wherever it lies. */
  readonly possible: number;
}

export function sharingOf({ program, machine, decomposition, steps, placements }: Plan): Sharing {
  let all = 0;
  let met = 0;
  let possible = 0;
  for (const [a, b, bytes] of nearWishes(program, decomposition, steps, placements)) {
    const [before, here] = [placements[a], placements[b]];
    all += bytes;
    if (before.space !== here.space) continue;
    if (before.bytes % machine.spaces[before.space].align === 0) possible += bytes;
    if (before.offset + before.bytes === here.offset) met += bytes;
  }
  return all === 0 ? { met: 1, possible: 1 } : { met: met / all, possible: possible / all };
}
