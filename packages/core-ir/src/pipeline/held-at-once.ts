import { type Box, boxOf, contains, intersect } from '../ir/box.js';
import { dimensionsOf, type Expr, type IndexMap, image, shifted } from '../ir/index-map.js';
import { domainBox, type Operation, type Program } from '../ir/program.js';
import { tensorBytes } from '../ir/tensor.js';

/** Walking back from every reader through the whole program would be quadratic; farther back than this no barrier is looked for. */
const DEPTH = 24;

/**
 * Bytes of the largest tensor X that must be held whole at one time: an operation reads X and, beside it, something that depends on
 * every element of X (the gate of a squeeze-and-excite on what it gates, the sum of a softmax on its exponentials). Before its first
 * point can run, all of X has been computed, and every element of X is still to be read there, or held by what took its bytes in place.
 * Without recomputation that is a bound; the reading operation must read all of X and have at most X's bytes to give up in place.
 */
export function heldAtOnce(program: Program, takesBytes: (tensor: number) => boolean): number {
  const producer = new Map<number, Operation[]>();
  for (const operation of program.operations) {
    for (const { tensor, mode } of operation.operands) {
      if (mode !== 'read') producer.set(tensor, [...(producer.get(tensor) ?? []), operation]);
    }
  }
  let most = 0;
  for (const operation of program.operations) {
    const reads = operation.operands.filter(({ mode }) => mode === 'read');
    if (reads.length < 2) continue;
    for (const { tensor, map } of reads) {
      const { shape } = program.tensors[tensor];
      const bytes = takesBytes(tensor) ? tensorBytes(program.tensors[tensor]) : 0;
      const domain = domainBox(operation);
      if (bytes <= most || !gapless(map, domain) || !contains(image(map, domain, shape), boxOf(shape))) continue;
      const gated = reads.some(
        (other) =>
          other.tensor !== tensor &&
          program.tensors[other.tensor].kind === 'computed' &&
          corners(operation).every((corner) => {
            const { shape: size } = program.tensors[other.tensor];
            const need = gapless(other.map, corner) ? intersect(image(other.map, corner, size), boxOf(size)) : undefined;
            return need !== undefined && needsAll(program, producer, other.tensor, need, tensor);
          }),
      );
      if (gated) most = bytes;
    }
  }
  return most;
}

/** Whether `box` of `from` depends on every element of `target`: the need carried back by index maps, as one box per tensor. */
function needsAll(program: Program, producer: ReadonlyMap<number, readonly Operation[]>, from: number, box: Box, target: number): boolean {
  let frontier = new Map<number, Box>([[from, box]]);
  const whole = boxOf(program.tensors[target].shape);
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
        if (read === target && contains(touched, whole)) return true;
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
