import { type Box, boxOf, contains, intersect } from '../ir/box.js';
import { dimensionsOf, type Expr, type IndexMap, image, shifted } from '../ir/index-map.js';
import { domainBox, type Operand, type Operation, type Program } from '../ir/program.js';
import { tensorBytes } from '../ir/tensor.js';

/** Walking back from every reader through the whole program would be quadratic; farther back than this no barrier is looked for. */
const DEPTH = 24;

/**
 * Bytes that must be held at one time: an operation G reads all of a tensor X and, beside it, something that depends on every element of
 * X (the gate of a squeeze-and-excite on what it gates, the sum of a softmax on its exponentials). Before its first point can run, all of
 * X has been computed, and every element of X is still to be read there. So has every tensor on which the gate depends as a whole (the
 * block's input), and it is held too if an operation reads all of it of which every point depends on a result of G (the residual
 * sum). Without recomputation that is a bound; nothing can have taken the bytes in place, as readers are still to come.
 */
export function heldAtOnce(program: Program, takesBytes: (tensor: number) => boolean): number {
  const producer = new Map<number, Operation[]>();
  const readers = new Map<number, number[]>();
  program.operations.forEach((operation, o) => {
    for (const { tensor, mode } of operation.operands) {
      if (mode !== 'read') producer.set(tensor, [...(producer.get(tensor) ?? []), operation]);
      else if (takesBytes(tensor)) readers.set(tensor, [...(readers.get(tensor) ?? []), o]);
    }
  });
  let most = 0;
  program.operations.forEach((operation, o) => {
    const reads = operation.operands.filter(({ mode }) => mode === 'read');
    if (reads.length < 2) return;
    for (const { tensor, map } of reads) {
      if (!takesBytes(tensor) || !readsAll(program, operation, tensor, map)) continue;
      const gate = reads.find(
        (other) =>
          other.tensor !== tensor &&
          program.tensors[other.tensor].kind === 'computed' &&
          everyPoint(program, operation, other, (need) => needsAll(program, producer, other.tensor, need, tensor)),
      );
      if (!gate) continue;
      const results = new Set(operation.operands.flatMap((each) => (each.mode === 'read' ? [] : [each.tensor])));
      let bytes = tensorBytes(program.tensors[tensor]);
      for (const [kept, at] of readers) {
        // A reader that comes after G stands after it: the program's order is a legal one.
        const late = at.filter((reader) => reader > o);
        if (kept === tensor || late.length === 0) continue;
        const waits = late.some((reader) => waitsFor(program, producer, program.operations[reader], kept, results));
        if (waits && everyPoint(program, operation, gate, (need) => needsAll(program, producer, gate.tensor, need, kept)))
          bytes += tensorBytes(program.tensors[kept]);
      }
      most = Math.max(most, bytes);
    }
  });
  return most;
}

/** Whether an operation reads all of a tensor, and every point of it reads something that depends on one of `results`. */
function waitsFor(
  program: Program,
  producer: ReadonlyMap<number, readonly Operation[]>,
  operation: Operation,
  tensor: number,
  results: ReadonlySet<number>,
): boolean {
  const reads = operation.operands.filter(({ mode }) => mode === 'read');
  if (!reads.some((read) => read.tensor === tensor && readsAll(program, operation, tensor, read.map))) return false;
  return reads.some(
    (other) =>
      other.tensor !== tensor &&
      everyPoint(program, operation, other, (need) => results.has(other.tensor) || reaches(program, producer, other.tensor, need, results)),
  );
}

function readsAll(program: Program, operation: Operation, tensor: number, map: IndexMap): boolean {
  const { shape } = program.tensors[tensor];
  const domain = domainBox(operation);
  return gapless(map, domain) && contains(image(map, domain, shape), boxOf(shape));
}

/** Whether something holds for what each point of an operation needs by an operand: for the corners, between which needs are monotone. */
function everyPoint(program: Program, operation: Operation, { tensor, map }: Operand, holds: (need: Box) => boolean): boolean {
  const { shape } = program.tensors[tensor];
  return corners(operation).every((corner) => {
    const need = gapless(map, corner) ? intersect(image(map, corner, shape), boxOf(shape)) : undefined;
    return need !== undefined && holds(need);
  });
}

/** Whether `box` of `from` depends on every element of `target`. */
function needsAll(program: Program, producer: ReadonlyMap<number, readonly Operation[]>, from: number, box: Box, target: number): boolean {
  const whole = boxOf(program.tensors[target].shape);
  return carriedBack(program, producer, from, box, (tensor, need) => tensor === target && contains(need, whole));
}

/** Whether `box` of `from` depends on any element of `targets`. */
function reaches(
  program: Program,
  producer: ReadonlyMap<number, readonly Operation[]>,
  from: number,
  box: Box,
  targets: ReadonlySet<number>,
): boolean {
  return carriedBack(program, producer, from, box, (tensor) => targets.has(tensor));
}

/** Whether a need that is carried back by index maps, as one box per tensor, ever meets what is sought. */
function carriedBack(
  program: Program,
  producer: ReadonlyMap<number, readonly Operation[]>,
  from: number,
  box: Box,
  sought: (tensor: number, need: Box) => boolean,
): boolean {
  let frontier = new Map<number, Box>([[from, box]]);
  for (let depth = 0; depth < DEPTH && frontier.size > 0; depth++) {
    const next = new Map<number, Box>();
    for (const [tensor, need] of frontier) {
      const operations = producer.get(tensor);
      // Several writers (a concatenation) would need a box for each; such chains are left out, which keeps the bound valid.
      if (operations?.length !== 1) continue;
      const [operation] = operations;
      const write = operation.operands.find((operand) => operand.tensor === tensor && operand.mode !== 'read');
      const domain = write && domainOf(operation, write.map, need);
      if (!domain) continue;
      for (const { tensor: read, mode, map } of operation.operands) {
        if (mode !== 'read' || program.tensors[read].kind === 'constant' || !gapless(map, domain)) continue;
        const { shape } = program.tensors[read];
        const touched = intersect(image(map, domain, shape), boxOf(shape));
        if (!touched) continue;
        if (sought(read, touched)) return true;
        // Of two ways to one tensor the larger need is followed: the union of both may be no box.
        const known = next.get(read);
        if (!known || contains(touched, known)) next.set(read, touched);
      }
    }
    frontier = next;
  }
  return false;
}

/** The single points at the corners of an operation's parallel dimensions, reductions whole. Needs are monotone between them. */
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

function domainOf(operation: Operation, map: IndexMap, box: Box): Box | undefined {
  const result = domainBox(operation).map(([lo, hi]) => [lo, hi] as [number, number]);
  for (const [dimension, range] of map.entries()) {
    if (range === 'all') continue;
    const at = shifted(range);
    if (!at) return undefined;
    if (at.d < 0) continue;
    const { d, offset } = at;
    result[d] = [Math.max(result[d][0], box[dimension][0] - offset), Math.min(result[d][1], box[dimension][1] - offset)];
    if (result[d][1] <= result[d][0]) return undefined;
  }
  return result;
}

/**
 * Whether a map touches every element of its image over this box, not only the hull of a stride: each tensor dimension uses other
 * dimensions of the domain, and its values leave no gap.
 */
function gapless(map: IndexMap, box: Box): boolean {
  const used = new Set<number>();
  for (const range of map) {
    if (range === 'all') continue;
    for (const d of dimensionsOf(range.at)) {
      if (used.has(d)) return false;
      used.add(d);
    }
    const terms: Term[] = [];
    if (!collect(range.at, 1, box, terms)) return false;
    terms.sort((a, b) => a.stride - b.stride);
    let reach = range.size ?? 1;
    for (const { stride, extent } of terms) {
      if (stride > reach) return false;
      reach += stride * (extent - 1);
    }
  }
  return true;
}

/** `extent` values, `stride` apart. */
interface Term {
  readonly stride: number;
  readonly extent: number;
}

/** The strided terms whose sum an expression is; false where it is none (a modulo jumps, and so nothing follows from the corners). */
function collect(expr: Expr, stride: number, box: Box, into: Term[]): boolean {
  if (typeof expr === 'number') return true;
  if ('d' in expr) {
    const [lo, hi] = box[expr.d];
    if (hi - lo > 1) into.push({ stride, extent: hi - lo });
    return true;
  }
  switch (expr[0]) {
    case '+':
      return collect(expr[1], stride, box, into) && collect(expr[2], stride, box, into);
    case '*':
      return collect(expr[1], stride * Math.abs(expr[2]), box, into);
    default:
      return false;
  }
}
