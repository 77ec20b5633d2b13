import { add, apply, type Expr, type ModelNode } from '@regrain/core-ir';
import { number, numbers, text } from './attributes.js';
import { wrong } from './lowering.js';

/** The geometry of a sliding window in each spatial dimension. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly begin: readonly number[];
  readonly end: readonly number[];
  readonly out: readonly number[];
}

/** Reads strides, dilations, pads, auto_pad and ceil_mode (ONNX operators Conv and MaxPool) for the spatial extents `size`. */
export function windowOf(node: ModelNode, size: readonly number[], kernel: readonly number[]): Window {
  const rank = size.length;
  const list = (name: string, length: number, byDefault: number, least: number): number[] => {
    const found = numbers(node, name, Array(length).fill(byDefault));
    if (found.length !== length) throw wrong(node, `attribute ${name} has ${found.length} values, ${length} are needed`);
    if (found.some((v) => !Number.isInteger(v) || v < least)) throw wrong(node, `attribute ${name} has a value below ${least}`);
    return found;
  };
  if (kernel.length !== rank) throw wrong(node, `the kernel has ${kernel.length} dimensions, the input has ${rank} spatial ones`);
  if (kernel.some((k) => !Number.isInteger(k) || k < 1)) throw wrong(node, `the kernel [${kernel}] is empty`);
  const strides = list('strides', rank, 1, 1);
  const dilations = list('dilations', rank, 1, 1);
  const automatic = text(node, 'auto_pad', 'NOTSET');
  const ceil = number(node, 'ceil_mode', 0) !== 0;
  const begin: number[] = [];
  const end: number[] = [];
  const out: number[] = [];
  const pads = automatic === 'NOTSET' ? list('pads', 2 * rank, 0, Number.NEGATIVE_INFINITY) : Array(2 * rank).fill(0);
  for (let d = 0; d < rank; d++) {
    const span = dilations[d] * (kernel[d] - 1) + 1;
    if (automatic === 'SAME_UPPER' || automatic === 'SAME_LOWER') {
      out.push(Math.ceil(size[d] / strides[d]));
      const total = Math.max(0, (out[d] - 1) * strides[d] + span - size[d]);
      begin.push(automatic === 'SAME_UPPER' ? total >> 1 : total - (total >> 1));
      end.push(total - begin[d]);
    } else if (automatic === 'NOTSET' || automatic === 'VALID') {
      begin.push(pads[d]);
      end.push(pads[d + rank]);
      const room = size[d] + begin[d] + end[d] - span;
      let count = (ceil ? Math.ceil(room / strides[d]) : Math.floor(room / strides[d])) + 1;
      // A window that would start in the padding at the end does not count.
      if (ceil && (count - 1) * strides[d] >= size[d] + begin[d]) count--;
      out.push(count);
    } else {
      throw wrong(node, `auto_pad ${automatic} is not known`);
    }
    if (out[d] < 1) throw wrong(node, `the kernel spans ${span}, the padded input has only ${size[d] + begin[d] + end[d]}`);
  }
  return { kernel, strides, dilations, begin, end, out };
}

/** Some window reads outside the input. */
export function reachesOutside(window: Window, size: readonly number[]): boolean {
  return size.some((extent, d) => {
    const last = (window.out[d] - 1) * window.strides[d] - window.begin[d] + window.dilations[d] * (window.kernel[d] - 1);
    return window.begin[d] > 0 || last >= extent;
  });
}

/** `out * stride + tap * dilation - pad` in dimension d. */
export function windowAt(window: Window, d: number, out: number, tap: number): Expr {
  return add(add(apply('*', { d: out }, window.strides[d]), apply('*', { d: tap }, window.dilations[d])), -window.begin[d]);
}

/** The same, without `out` where the window has one place only: then it is a plain reduction, which can be summed in parts. */
export function windowOrAll(window: Window, d: number, out: number, tap: number): Expr {
  return windowAt(window.out[d] === 1 ? { ...window, strides: window.strides.map(() => 0) } : window, d, out, tap);
}

/** How many taps of window `out` of dimension d lie inside `[low, high)`. */
export function tapsInside(window: Window, d: number, out: number, low: number, high: number): number {
  let count = 0;
  for (let tap = 0; tap < window.kernel[d]; tap++) {
    const position = out * window.strides[d] - window.begin[d] + tap * window.dilations[d];
    if (position >= low && position < high) count++;
  }
  return count;
}
