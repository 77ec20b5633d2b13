import { type Box, boxOf, contains, intersect, isEmpty } from '../../ir/box.js';
import { type IndexMap, image, shifted } from '../../ir/index-map.js';
import { domainBox, type Operation, type Program } from '../../ir/program.js';
import { gapless } from './gapless.js';

/** Boxes that are walked back at most, in all: then nothing more is found, which is safe. */
const STEPS = 1 << 18;

/** Which tensors are needed to the last element before something can be computed: walked back by index maps, one box per tensor. */
export class WholeNeeds {
  private readonly producers = new Map<number, number[]>();
  private readonly known = new Map<number, ReadonlySet<number>>();
  private readonly knownOfPoints = new Map<Operation, ReadonlySet<number>>();
  private steps = 0;

  constructor(private readonly program: Program) {
    program.operations.forEach((operation, o) => {
      for (const { tensor, mode } of operation.operands)
        if (mode !== 'read') this.producers.set(tensor, [...(this.producers.get(tensor) ?? []), o]);
    });
  }

  /** Tensors of which every point of an operation needs every element. Between the corners of a domain needs are monotone. */
  ofEachPoint(operation: Operation): ReadonlySet<number> {
    const before = this.knownOfPoints.get(operation);
    if (before) return before;
    let found: ReadonlySet<number> | undefined;
    for (const corner of corners(operation)) {
      const here = this.from(operation, corner);
      found = found ? new Set([...found].filter((tensor) => here.has(tensor))) : here;
      if (found.size === 0) break;
    }
    const needed = found ?? new Set<number>();
    this.knownOfPoints.set(operation, needed);
    return needed;
  }

  /** Tensors of which a whole tensor needs every element. */
  ofAll(tensor: number): ReadonlySet<number> {
    const before = this.known.get(tensor);
    if (before) return before;
    const found = new Set<number>();
    this.known.set(tensor, found);
    for (const o of this.producers.get(tensor) ?? [])
      for (const each of this.from(this.program.operations[o], domainBox(this.program.operations[o]))) found.add(each);
    return found;
  }

  private from(operation: Operation, domain: Box): ReadonlySet<number> {
    const { tensors, operations } = this.program;
    const found = new Set<number>();
    let boxes = this.reads(operation, domain, new Map());
    while (boxes.size > 0 && this.steps < STEPS) {
      this.steps += boxes.size;
      const next = new Map<number, Box>();
      for (const [tensor, box] of boxes) {
        if (contains(box, boxOf(tensors[tensor].shape))) {
          found.add(tensor);
          for (const each of this.ofAll(tensor)) found.add(each);
          continue;
        }
        for (const o of this.producers.get(tensor) ?? []) {
          const write = operations[o].operands.find((operand) => operand.tensor === tensor && operand.mode !== 'read');
          const part = write && domainOf(operations[o], write.map, box);
          if (part) this.reads(operations[o], part, next);
        }
      }
      boxes = next;
    }
    return found;
  }

  /** Adds the boxes that a part of a domain reads. Of two boxes of a tensor the larger is followed: the union may be no box. */
  private reads(operation: Operation, domain: Box, into: Map<number, Box>): Map<number, Box> {
    for (const { tensor, mode, map } of operation.operands) {
      const { kind, shape } = this.program.tensors[tensor];
      if (mode !== 'read' || kind === 'constant' || map.includes('all') || !gapless(map, domain)) continue;
      const touched = intersect(image(map, domain, shape), boxOf(shape));
      if (!touched) continue;
      const known = into.get(tensor);
      if (!known || contains(touched, known)) into.set(tensor, touched);
    }
    return into;
  }
}

/** The single points at the corners of an operation's parallel dimensions, reductions whole. */
function corners(operation: Operation): Box[] {
  let boxes: Box[] = [[]];
  for (const { extent, kind } of operation.domain) {
    const ranges: (readonly [number, number])[] =
      kind !== 'parallel'
        ? [[0, extent]]
        : extent > 1
          ? [
              [0, 1],
              [extent - 1, extent],
            ]
          : [[0, 1]];
    boxes = boxes.flatMap((box) => ranges.map((range) => [...box, range]));
  }
  return boxes;
}

/** The part of the domain that writes a box. */
function domainOf(operation: Operation, map: IndexMap, box: Box): Box | undefined {
  const result = domainBox(operation).map(([lo, hi]) => [lo, hi] as [number, number]);
  for (const [dimension, range] of map.entries()) {
    const at = shifted(range);
    if (!at) return undefined;
    const [lo, hi] = [box[dimension][0] - at.offset, box[dimension][1] - at.offset];
    if (at.d >= 0) result[at.d] = [Math.max(result[at.d][0], lo), Math.min(result[at.d][1], hi)];
    else if (lo > 0 || hi <= 0) return undefined;
  }
  return isEmpty(result) ? undefined : result;
}
