import { RegrainError } from '../errors.js';
import { type Box, boxOf, formatBox, hull, intersect, sameBox, volume } from '../ir/box.js';
import type { Edit, Grain } from '../ir/grain.js';
import { image } from '../ir/index-map.js';
import type { Operand, Operation, Program } from '../ir/program.js';
import { ownPlace, programOf } from './copies.js';
import { ownerOperand, preimage } from './preimage.js';

/** A new grain with one change. An edit that does not fit the grain is a `plugin` error that says why. */
export function edit(original: Program, grain: Grain, change: Edit): Grain {
  const program = programOf(original, grain);
  /** Edits count the operations of the program itself. */
  const place = (operation: number): number => ownPlace(original, grain, operation);
  switch (change.kind) {
    case 'split':
      return split(program, grain, change);
    case 'merge':
      return merge(program, grain, change);
    case 'recompute': {
      const { tensor, along } = change;
      const reader = place(change.reader);
      const rest = grain.recompute.filter((entry) => entry.tensor !== tensor || entry.reader !== reader);
      return { ...grain, recompute: along.length > 0 ? [...rest, { tensor, reader, along }] : rest };
    }
    case 'reduce': {
      const { axis, parts } = change;
      const operation = place(change.operation);
      if (program.operations[operation]?.domain[axis]?.kind !== 'reduction')
        throw misfit(`axis ${axis} of operation ${operation} is no reduction`);
      const rest = grain.reduce.filter((entry) => entry.operation !== operation || entry.axis !== axis);
      return { ...grain, reduce: parts > 1 ? [...rest, { operation, axis, parts }] : rest };
    }
  }
}

/** All edits of a batch, one after the other. */
export function editAll(program: Program, grain: Grain, edits: readonly Edit[]): Grain {
  return edits.reduce((current, change) => edit(program, current, change), grain);
}

function split(program: Program, grain: Grain, { at, axis, cut, tasks }: Edit & { kind: 'split' }): Grain {
  const boxes = regionsOf(program, grain, at.tensor);
  const index = boxes.findIndex((box) => sameBox(box, at.box));
  if (index < 0) throw misfit(`tensor ${program.tensors[at.tensor].name} has no region ${formatBox(at.box)}`);
  const [lo, hi] = at.box[axis];
  if (!(lo < cut && cut < hi)) throw misfit(`cut ${cut} lies outside ${formatBox(at.box)} on axis ${axis}`);
  const parts = [
    at.box.map((range, d) => (d === axis ? ([lo, cut] as const) : range)),
    at.box.map((range, d) => (d === axis ? ([cut, hi] as const) : range)),
  ];
  const regions = [...boxes.slice(0, index), ...parts, ...boxes.slice(index + 1)];
  return withRegions(program, grain, at.tensor, regions, tasks, (written) => {
    const [from, to] = written[axis];
    if (!(from < cut && cut < to) || !intersect(written, at.box)) return undefined;
    return [[from, cut] as const, [cut, to] as const].map((part) => written.map((range, d) => (d === axis ? part : range)));
  });
}

function merge(program: Program, grain: Grain, { tensor, boxes: pair, tasks }: Edit & { kind: 'merge' }): Grain {
  const boxes = regionsOf(program, grain, tensor);
  const [a, b] = pair.map((wanted) => boxes.findIndex((box) => sameBox(box, wanted)));
  if (a < 0 || b < 0 || a === b)
    throw misfit(`tensor ${program.tensors[tensor].name} has no regions ${formatBox(pair[0])} and ${formatBox(pair[1])}`);
  const union = hull(pair[0], pair[1]);
  if (volume(union) !== volume(pair[0]) + volume(pair[1]))
    throw misfit(`the union of ${formatBox(pair[0])} and ${formatBox(pair[1])} is no box`);
  const regions = boxes.map((box, index) => (index === Math.min(a, b) ? union : box)).filter((_, index) => index !== Math.max(a, b));
  const whole = regions.length === 1 && sameBox(union, boxOf(program.tensors[tensor].shape));
  return withRegions(program, grain, tensor, whole ? [] : regions, tasks, (written, all) => {
    // Tasks that follow these regions become one; where they are cut otherwise, they stay.
    if (!pair.some((box) => sameBox(written, box))) return undefined;
    return pair.every((box) => all.some((other) => sameBox(other, box))) ? [union] : undefined;
  });
}

/** Sets a tensor's regions. Owner tasks follow, unless `follow` is false: then they are written down as they were. */
export function withRegions(
  program: Program,
  grain: Grain,
  tensor: number,
  regions: readonly Box[],
  follow: boolean,
  cutTask: (written: Box, all: readonly Box[]) => readonly Box[] | undefined,
): Grain {
  const before = regionsOf(program, grain, tensor);
  const tasks = grain.tasks.map((choice, o) => {
    const operation = program.operations[o];
    const write = operation.operands[ownerOperand(operation)];
    if (write?.tensor !== tensor || operation.domain.length === 0) return choice;
    if (choice === 'owner') return follow ? choice : preimages(operation, write, before);
    if (!follow) return choice;
    const made: Box[] = [];
    const written = choice.map((box) => image(write.map, box, program.tensors[tensor].shape));
    for (const [k, box] of choice.entries()) {
      const replaced = cutTask(written[k], written);
      for (const piece of replaced ? preimages(operation, write, replaced) : [box]) {
        const inside = replaced ? piece.map((range, d) => (operation.domain[d].kind === 'parallel' ? range : box[d])) : piece;
        if (!made.some((other) => sameBox(other, inside))) made.push(inside);
      }
    }
    return made;
  });
  return { ...grain, regions: grain.regions.map((old, t) => (t === tensor ? regions : old)), tasks };
}

function preimages(operation: Operation, write: Operand, boxes: readonly Box[]): Box[] {
  return boxes.map((box) => preimage(operation, write, box)).filter((box) => box !== undefined);
}

function regionsOf(program: Program, grain: Grain, tensor: number): readonly Box[] {
  const boxes = grain.regions[tensor];
  if (!boxes) throw misfit(`there is no tensor ${tensor}`);
  return boxes.length > 0 ? boxes : [boxOf(program.tensors[tensor].shape)];
}

function misfit(message: string): RegrainError {
  return new RegrainError('plugin', `this edit does not fit the grain: ${message}`);
}
