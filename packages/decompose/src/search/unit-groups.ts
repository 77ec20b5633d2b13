import { type Box, boxKey, domainBox, ELEMENT_BYTES, image, overlaps, type Program, preimage, volume } from '@regrain/core-ir';
import { readLater } from './crossing.js';
import type { Geometry } from './geometry.js';

/** Operations `first … last - 1` in groups of the last one's results. */
export interface UnitGroups {
  readonly first: number;
  readonly last: number;
  readonly units: Units;
  /** Of tensors that the segment begins and others read, and of what one group has in hand. */
  readonly bytes: number;
}

/** The dimension of the last operation's domain that is cut, into how many groups. */
export interface Units {
  readonly axis: number;
  readonly groups: number;
}

/** Numbers of groups to choose from. */
const GROUPS = [2, 4, 8, 16, 32];
/** It must save this share of the bytes. */
const WORTH = 0.02;

const known = new WeakMap<Geometry, Map<string, readonly UnitGroups[]>>();

/**
 * Segments before `last` that can go a group of units at a time where they cannot go by rows: layers that each need all of the layer
 * before, with elementwise operations behind them that take several parts of their result for one unit (the gates of a recurrent cell:
 * the four of a few units, then their cells and hidden values). What lies between is held for one group alone. Nothing is computed twice.
 * Sources: channel tiling of dense chains (FDT, Stahl et al. 2023; Pex, Liberis & Lane 2023), without their partial sums. O(operations × parts²).
 */
export function unitGroupsTo(geometry: Geometry, last: number, align: number): readonly UnitGroups[] {
  const all = known.get(geometry) ?? new Map<string, readonly UnitGroups[]>();
  known.set(geometry, all);
  const key = `${last}/${align}`;
  let found = all.get(key);
  if (!found) {
    found = search(geometry, last, align);
    all.set(key, found);
  }
  return found;
}

function search(geometry: Geometry, last: number, align: number): UnitGroups[] {
  const { domain } = geometry.program.operations[last - 1];
  const found: UnitGroups[] = [];
  domain.forEach(({ kind, extent }, axis) => {
    if (kind !== 'parallel' || extent < 2) return;
    const halves = boxesOf(geometry, last, { axis, groups: 2 }, 0);
    const firsts: number[] = [];
    for (let first = last - 2; first >= last - halves.length; first--)
      if (needsWhole(geometry, first, last) && makesAll(geometry, first, last)) firsts.push(first);
    const lowest = firsts.at(-1) ?? last;
    // The boxes of a shorter segment are the first of those of the longest.
    const boxesIn = new Map<number, ReturnType<typeof boxesOf>>();
    for (const first of firsts) {
      const bytesIn = (groups: number): number => {
        const boxes = boxesIn.get(groups) ?? boxesOf(geometry, last, { axis, groups }, lowest);
        boxesIn.set(groups, boxes);
        return boxes.length >= last - first ? bytesOf(geometry, first, last, boxes, align) : Number.POSITIVE_INFINITY;
      };
      const whole = bytesIn(1);
      let best = { groups: 1, bytes: whole * (1 - WORTH) };
      for (const groups of GROUPS.filter((count) => count <= extent)) {
        const bytes = bytesIn(groups);
        if (bytes < best.bytes * 0.99) best = { groups, bytes };
      }
      if (best.groups > 1) found.push({ first, last, units: { axis, groups: best.groups }, bytes: best.bytes });
    }
  });
  return found;
}

/**
 * Per operation, from the last back, the boxes of its domain that each group takes; it ends at `first`, or before the first operation
 * of which two groups need one part.
 */
export function boxesOf(
  { program, nodes, writers }: Geometry,
  last: number,
  { axis, groups }: Units,
  first: number,
): (readonly (readonly Box[])[])[] {
  const found: (readonly (readonly Box[])[])[] = [];
  /** Per tensor what each group needs of it. */
  const needs = new Map<number, Box[][]>();
  for (let o = last - 1; o >= first; o--) {
    const operation = program.operations[o];
    const write = operation.operands.find(({ mode }) => mode === 'write');
    if (nodes[o].writes.length !== 1 || !write || write.map.includes('all')) break;
    const whole = domainBox(operation);
    const parts =
      o === last - 1
        ? shares(whole[axis][1], groups).map((range) => [whole.map((side, d) => (d === axis ? range : side))])
        : (needs.get(write.tensor) ?? []).map((boxes) =>
            unique(boxes.map((box) => preimage(operation, write, box)).filter((box) => box !== undefined)),
          );
    if (parts.length === 0 || !isPartition(whole, parts.flat())) break;
    found.push(parts);
    for (const { tensor, mode, map } of operation.operands) {
      if (mode !== 'read' || (writers[tensor][0] ?? o) >= o) continue;
      const { shape } = program.tensors[tensor];
      const before = needs.get(tensor) ?? parts.map(() => []);
      needs.set(
        tensor,
        parts.map((boxes, g) => [
          ...before[g],
          ...boxes.map((box) => image(map, box, shape).map(([lo, hi], d) => [Math.max(0, lo), Math.min(shape[d], hi)] as const)),
        ]),
      );
    }
  }
  return found;
}

function shares(extent: number, groups: number): (readonly [number, number])[] {
  return Array.from({ length: groups }, (_, g) => [Math.floor((extent * g) / groups), Math.floor((extent * (g + 1)) / groups)] as const);
}

function unique(boxes: readonly Box[]): Box[] {
  return [...new Map(boxes.map((box) => [boxKey(box), box])).values()];
}

function isPartition(whole: Box, parts: readonly Box[]): boolean {
  return (
    parts.reduce((sum, part) => sum + volume(part), 0) === volume(whole) &&
    parts.every((part, k) => parts.every((other, m) => m <= k || !overlaps(part, other)))
  );
}

/** One of the operations needs all of what another of them makes, if it goes by rows. */
function needsWhole({ nodes, program }: Geometry, first: number, last: number): boolean {
  const made = new Set(nodes.slice(first, last).map(({ writes: [tensor] }) => tensor));
  return nodes
    .slice(first, last)
    .some(({ reads }) =>
      reads.some(({ tensor, rows, reduced }) => made.has(tensor) && !rows && !reduced && !program.outputs.includes(tensor)),
    );
}

/** What only the segment reads is made by it alone. */
function makesAll(geometry: Geometry, first: number, last: number): boolean {
  const { nodes, writers } = geometry;
  return nodes.slice(first, last).every(({ writes: [tensor] }) => writers[tensor][0] >= first || readLater(geometry, tensor, last));
}

/** The box of a tensor that a box of an operation's domain writes. */
export function written(program: Program, o: number, box: Box): Box {
  const write = program.operations[o].operands.find(({ mode }) => mode !== 'read');
  return write ? image(write.map, box, program.tensors[write.tensor].shape) : [];
}

/** Bytes of all that the segment makes and others read, and the most that one group holds between its operations. */
function bytesOf(geometry: Geometry, first: number, last: number, boxes: readonly (readonly (readonly Box[])[])[], align: number): number {
  const { program, readers, writers } = geometry;
  const aligned = (tensor: number, box: Box): number =>
    Math.ceil((volume(box) * ELEMENT_BYTES[program.tensors[tensor].dtype]) / align) * align;
  let made = 0;
  let most = 0;
  for (let g = 0; g < boxes[0].length; g++) {
    const held = new Map<number, number>();
    let hand = 0;
    for (let o = first; o < last; o++) {
      const { operands } = program.operations[o];
      const write = operands.find(({ mode }) => mode === 'write');
      if (!write) continue;
      const bytes = boxes[last - 1 - o][g].reduce((sum, box) => sum + aligned(write.tensor, written(program, o, box)), 0);
      if (readLater(geometry, write.tensor, last)) {
        if (writers[write.tensor][0] >= first) made += bytes;
        continue;
      }
      const from = write.inPlaceOf === undefined ? undefined : operands[write.inPlaceOf].tensor;
      if (from !== undefined && readers[from].at(-1) === o && held.get(from) === bytes) held.delete(from);
      held.set(write.tensor, bytes);
      hand = Math.max(
        hand,
        [...held.values()].reduce((sum, each) => sum + each, 0),
      );
      for (const tensor of held.keys()) if (readers[tensor].at(-1) === o) held.delete(tensor);
    }
    most = Math.max(most, hand);
  }
  return made + most;
}
