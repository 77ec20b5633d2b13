import type { Box } from '@regrain/core-ir/runtime';

/** An array that elements are copied to or from. */
export type Numbers = { [index: number]: number } & { readonly length: number };

/** How the elements of a box lie in an array: where the first one is, and how far apart neighbours are along each dimension. */
export interface Layout {
  readonly start: number;
  readonly steps: readonly number[];
}

/** How a box lies in a row-major tensor. */
export function rowMajor(box: Box, shape: readonly number[]): Layout {
  const steps = shape.map(() => 1);
  for (let d = shape.length - 2; d >= 0; d--) steps[d] = steps[d + 1] * shape[d + 1];
  return { start: box.reduce((sum, [lo], d) => sum + lo * steps[d], 0), steps };
}

export function extentsOf(box: Box): number[] {
  return box.map(([lo, hi]) => hi - lo);
}

interface Loop {
  readonly count: number;
  readonly to: number;
  readonly from: number;
}

/** Shorter runs are copied faster one by one than by the engine's own copy. */
const LEAST_RUN = 32;

/** Copies `count` pixels of three neighbouring elements to the place `a`, from planes that lie `step` elements apart, the first at `b`. */
export type Interleaver = (a: number, from: Numbers, b: number, step: number, count: number) => void;

/** How a box is copied from one array to another: where it begins in either, and its loops, outermost first. */
export interface StridedCopy {
  readonly to: number;
  readonly from: number;
  readonly outer: readonly Loop[];
  readonly rows: Loop;
  readonly inner: Loop;
}

/**
 * The way to copy a box of so many elements per dimension: targets are written in the order of their addresses, and runs that are contiguous
 * on both sides go as a whole.
 */
export function stridedCopy(target: Layout, source: Layout, counts: readonly number[]): StridedCopy {
  const loops = joined(counts.map((count, d) => ({ count, to: target.steps[d], from: source.steps[d] })));
  const inner = loops.pop() ?? { count: 1, to: 1, from: 1 };
  const rows = loops.pop() ?? { count: 1, to: 0, from: 0 };
  return { to: target.start, from: source.start, outer: loops, rows, inner };
}

/** Copies; linear in the number of elements. `interleave`: a faster way for colours, where there is one. */
export function copyElements(
  { to: toStart, from: fromStart, outer, rows, inner }: StridedCopy,
  to: Numbers,
  from: Numbers,
  interleave?: Interleaver,
): void {
  const walk = (level: number, a: number, b: number): void => {
    if (level === outer.length) {
      copyRows(to, a, from, b, rows, inner, interleave);
      return;
    }
    const loop = outer[level];
    for (let k = 0; k < loop.count; k++) walk(level + 1, a + k * loop.to, b + k * loop.from);
  };
  walk(0, toStart, fromStart);
}

/** The dimensions in the order of the target's addresses, those that follow each other on both sides as one. */
function joined(dimensions: readonly Loop[]): Loop[] {
  const loops: Loop[] = [];
  for (const loop of dimensions.filter(({ count }) => count !== 1).toSorted((a, b) => b.to - a.to)) {
    const outer = loops.at(-1);
    if (outer && outer.to === loop.count * loop.to && outer.from === loop.count * loop.from)
      loops[loops.length - 1] = { ...loop, count: outer.count * loop.count };
    else loops.push(loop);
  }
  return loops;
}

function copyRows(to: Numbers, a: number, from: Numbers, b: number, rows: Loop, inner: Loop, interleave?: Interleaver): void {
  if (inner.to === 1 && inner.from === 1 && inner.count >= LEAST_RUN && isTyped(to) && isTyped(from)) {
    for (let k = 0; k < rows.count; k++) {
      const start = b + k * rows.from;
      to.set(from.subarray(start, start + inner.count), a + k * rows.to);
    }
  } else if (interleave && inner.count === 3 && inner.to === 1 && rows.to === 3 && rows.from === 1)
    interleave(a, from, b, inner.from, rows.count);
  else if (inner.count === 3) copyTriples(to, a, from, b, rows, inner);
  else copyEach(to, a, from, b, rows, inner);
}

/** The colours of an image. */
function copyTriples(to: Numbers, toStart: number, from: Numbers, fromStart: number, rows: Loop, inner: Loop): void {
  const { to: toStep, from: fromStep } = inner;
  for (let k = 0, a = toStart, b = fromStart; k < rows.count; k++, a += rows.to, b += rows.from) {
    to[a] = from[b];
    to[a + toStep] = from[b + fromStep];
    to[a + 2 * toStep] = from[b + 2 * fromStep];
  }
}

function copyEach(to: Numbers, toStart: number, from: Numbers, fromStart: number, rows: Loop, inner: Loop): void {
  const { count, to: toStep, from: fromStep } = inner;
  for (let row = 0; row < rows.count; row++) {
    for (let k = 0, a = toStart + row * rows.to, b = fromStart + row * rows.from; k < count; k++, a += toStep, b += fromStep)
      to[a] = from[b];
  }
}

function isTyped(array: Numbers): array is Float32Array {
  return ArrayBuffer.isView(array);
}
