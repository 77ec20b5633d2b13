import { type Copy, extended, type Program } from '@regrain/core-ir';
import { type Route, segmentsOf } from './boundaries.js';
import { type Geometry, geometryOf } from './geometry.js';
import { paretoSet } from './pareto-set.js';
import type { Segment } from './segment.js';

/** A program with operations that run a second time, as streaming sees it, and the ways through it. */
export interface Variant {
  readonly copies: readonly Copy[];
  readonly geometry: Geometry;
  readonly routes: readonly Route[];
}

export interface SecondPassLimits {
  /** Multiply-accumulates of the program, and how many more there may be. */
  readonly macs: number;
  readonly extraMacs: number;
  /** Chains tried for one place. */
  readonly maxTried: number;
  /** Copies, at most. */
  readonly maxCopies: number;
  /** Bytes that a tensor takes if it is kept. */
  readonly bytesOf: (tensor: number, geometry: Geometry) => number;
  /** It stays as it is: the user has said where it lies. */
  readonly fixed: (tensor: number) => boolean;
}

/**
 * Programs in which what waits for a late reader (the wide tensor behind a squeeze-and-excite, a long skip) is made again for it, from
 * something smaller that is there anyway, or is made at another time. Greedy: at the segment that holds the most, the moves are tried
 * that would free its largest tensors; of those that gain anything the one is kept that gains most per multiply-accumulate. All that
 * were tried are returned: each may be the best at some number of multiply-accumulates. Source: rematerialisation under a budget as in
 * Checkmate (Jain et al. 2020), by local search.
 */
export function secondPasses(
  program: Program,
  first: Variant,
  limits: SecondPassLimits,
  routesOf: (geometry: Geometry) => readonly Route[],
): Variant[] {
  const found: Variant[] = [first];
  let best = first;
  while (best.copies.length < limits.maxCopies) {
    const before = best.routes.at(-1);
    if (!before) break;
    let next: Variant | undefined;
    let most = 0;
    for (const copy of copiesFor(best.geometry, before, limits)) {
      const copies = [...best.copies, copy];
      const geometry = geometryOf(extended(program, copies).program, first.geometry.axis);
      const variant = { copies, geometry, routes: routesOf(geometry) };
      const after = variant.routes.at(-1);
      if (!after) continue;
      found.push(variant);
      const gain = Math.log(before.bytes / after.bytes) + REST * Math.log(before.rest / after.rest);
      const worth = gain / (Math.max(0, geometry.macs - best.geometry.macs) / limits.macs + FREE);
      if (after.bytes <= before.bytes && gain > LEAST && worth > most) [next, most] = [variant, worth];
    }
    if (!next) break;
    best = next;
  }
  return found;
}

/** What a lower peak elsewhere counts beside a lower highest peak. */
const REST = 0.02;
/** Gains below this are not worth a copy. */
const LEAST = 0.001;
/** Share of the program's multiply-accumulates that counts as nothing, so that what costs nothing is not all alike. */
const FREE = 0.005;

/** Tensors of a smaller share of a segment's bytes are left alone. */
const WORTH = 0.02;
/** Segments that hold at least this share of the most are places to look at. */
const NEAR = 0.93;

/** Moves worth trying at the segments of a route that hold most, those first that free most. */
function copiesFor(geometry: Geometry, route: Route, limits: SecondPassLimits): Copy[] {
  const { tensors, states } = geometry.program;
  const persistent = new Set(states.flatMap(({ from, to }) => [from.tensor, to.tensor]));
  for (let tensor = 0; tensor < tensors.length; tensor++) if (limits.fixed(tensor)) persistent.add(tensor);
  const found = new Map<string, { readonly copy: Copy; readonly freed: number; readonly macs: number }>();
  for (const segment of segmentsOf(route).filter(({ bytes }) => bytes >= route.bytes * NEAR)) {
    for (const each of [...passesFor(geometry, segment, limits, persistent), ...hoistsFor(geometry, segment, limits, persistent)]) {
      const key = JSON.stringify(each.copy);
      if (!found.has(key)) found.set(key, each);
    }
  }
  return [...found.values()]
    .sort((a, b) => b.freed - a.freed || a.macs - b.macs)
    .slice(0, limits.maxTried)
    .map(({ copy }) => copy);
}

interface Move {
  readonly copy: Copy;
  readonly freed: number;
  readonly macs: number;
}

/** Tensors that live in a segment made again for their late readers, or made later for all of them. */
function passesFor(geometry: Geometry, segment: Segment, limits: SecondPassLimits, persistent: ReadonlySet<number>): Move[] {
  const spent = geometry.macs - limits.macs;
  return geometry.grids.flatMap((_, tensor): Move[] => {
    const bytes = limits.bytesOf(tensor, geometry);
    const readers = geometry.readers[tensor];
    const made = geometry.writers[tensor].at(-1) ?? Number.POSITIVE_INFINITY;
    const alive = made < segment.last && (readers.at(-1) ?? -1) >= segment.first;
    if (geometry.program.tensors[tensor].kind !== 'computed' || bytes < segment.bytes * WORTH || !alive) return [];
    const moves: Move[] = [];
    for (let k = made < segment.first ? 0 : 1; k < readers.length; k++) {
      const late = readers.slice(k);
      if (late[0] < segment.first || made >= late[0]) continue;
      for (const { operations, macs, held } of chainsOf(geometry, tensor, late, limits, persistent)) {
        // Right before its reader it stands already.
        if (operations[0] === late[0] - operations.length) continue;
        if (held < bytes * 0.9 && spent + macs <= limits.extraMacs)
          moves.push({ copy: { operations, readers: late }, freed: bytes - held, macs });
      }
    }
    return moves;
  });
}

/** Late readers of a tensor that lives through a segment, made early where their results are smaller than it. */
function hoistsFor(geometry: Geometry, segment: Segment, limits: SecondPassLimits, persistent: ReadonlySet<number>): Move[] {
  const { nodes, readers, writers, program } = geometry;
  return geometry.grids.flatMap((_, tensor): Move[] => {
    const at = 1 + (writers[tensor].at(-1) ?? Number.POSITIVE_INFINITY);
    const late = readers[tensor].filter((reader) => reader >= segment.last);
    if (program.tensors[tensor].kind !== 'computed' || at > segment.last || late.length === 0 || late[0] === at) return [];
    const makes = late.flatMap((o) => nodes[o].writes);
    const there = late.every((o) =>
      nodes[o].reads.every((read) => !persistent.has(read.tensor) && (writers[read.tensor].at(-1) ?? -1) < at),
    );
    const own = makes.every(
      (made) => writers[made].every((o) => late.includes(o)) && !program.outputs.includes(made) && !persistent.has(made),
    );
    const after = [...new Set(makes.flatMap((made) => readers[made]))].sort((a, b) => a - b);
    const freed = limits.bytesOf(tensor, geometry) - makes.reduce((sum, made) => sum + limits.bytesOf(made, geometry), 0);
    if (!there || !own || after.length === 0 || freed < segment.bytes * WORTH) return [];
    return [{ copy: { operations: late, readers: after, at }, freed, macs: 0 }];
  });
}

interface Chain {
  readonly operations: readonly number[];
  readonly macs: number;
  /** Bytes of what the chain starts from and nothing else keeps until then. */
  readonly held: number;
}

/**
 * Chains that make a tensor again for its late readers, each from tensors of at most some size: the smaller these, the further back it
 * goes. Only those that no other beats.
 */
function chainsOf(
  geometry: Geometry,
  tensor: number,
  late: readonly number[],
  limits: SecondPassLimits,
  persistent: ReadonlySet<number>,
): Chain[] {
  const { nodes, writers, readers, program } = geometry;
  const [at] = late;
  const heldBytes = (each: number): number => ((readers[each].at(-1) ?? -1) >= at ? 0 : limits.bytesOf(each, geometry));
  const chains: (Chain & { readonly bytes: number })[] = [];
  for (let most = limits.bytesOf(tensor, geometry) - 1; most >= 0; ) {
    const inside = new Set<number>();
    const from = new Set<number>();
    const queue = [tensor];
    let larger = -1;
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      for (const o of writers[next]) {
        if (inside.has(o)) continue;
        if (nodes[o].writes.some((each) => persistent.has(each)) || nodes[o].reads.some((read) => persistent.has(read.tensor)))
          return paretoSet(chains);
        inside.add(o);
        for (const read of nodes[o].reads) {
          const bytes = heldBytes(read.tensor);
          if (bytes > most && writers[read.tensor].length > 0) queue.push(read.tensor);
          else from.add(read.tensor);
          if (bytes <= most) larger = Math.max(larger, bytes);
        }
      }
    }
    most = larger - 1;
    const operations = [...inside].sort((a, b) => a - b);
    const gone = new Set<number>(late);
    let macs = 0;
    for (const o of operations.toReversed()) {
      if (nodes[o].writes.every((each) => !program.outputs.includes(each) && readers[each].every((reader) => gone.has(reader))))
        gone.add(o);
      else macs += nodes[o].macs;
    }
    const held = [...from].reduce((sum, each) => sum + (writers[each].some((o) => inside.has(o)) ? 0 : heldBytes(each)), 0);
    if (geometry.macs - limits.macs + macs <= limits.extraMacs) chains.push({ operations, macs, held, bytes: held });
  }
  return paretoSet(chains);
}
