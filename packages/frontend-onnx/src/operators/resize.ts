import {
  type Expr,
  elements,
  type IndexRange,
  type Lowered,
  type ModelNode,
  type Operand,
  type Scalar,
  unsupported,
} from '@regrain/core-ir';
import { flag, number, numbers, text } from './attributes.js';
import { fit } from './fit.js';
import {
  accumulatorOf,
  at,
  axisOf,
  constantInput,
  dims,
  input,
  isFloat,
  type Lowering,
  operatorFamily,
  parallel,
  read,
  reduction,
  write,
  wrong,
} from './lowering.js';
import { add, call, mul, x } from './scalar.js';

/** For one axis: result element o is the sum over taps t of `weights[o * taps + t]` times input `start(o) + t`. */
interface AxisTaps {
  readonly start: Expr;
  readonly taps: number;
  /** Absent where the one tap counts as it is. */
  readonly weights?: readonly number[];
}

/** One axis of a resize: `in` and `out` extents, the scale that coordinates use. */
interface Axis {
  readonly in: number;
  readonly out: number;
  readonly scale: number;
}

interface Mode {
  readonly kind: 'nearest' | 'linear' | 'cubic';
  readonly coordinates: string;
  readonly nearest: string;
  readonly cubic: number;
  readonly excludeOutside: boolean;
  readonly antialias: boolean;
}

/** The input coordinate of result index o (ONNX Resize, coordinate_transformation_mode). */
function source(mode: Mode, { in: size, out, scale }: Axis, o: number): number {
  switch (mode.coordinates) {
    case 'half_pixel':
      return (o + 0.5) / scale - 0.5;
    case 'pytorch_half_pixel':
      return out > 1 ? (o + 0.5) / scale - 0.5 : 0;
    case 'align_corners':
      // The length before it is rounded down, as ONNX's reference has it.
      return out > 1 ? (o * (size - 1)) / (size * scale - 1) : 0;
    case 'half_pixel_symmetric': {
      const adjusted = out / (scale * size);
      const offset = (size / 2) * (1 - adjusted);
      return offset + (o + 0.5) / scale - 0.5;
    }
    case 'tf_half_pixel_for_nn':
      return (o + 0.5) / scale;
    default:
      return o / scale;
  }
}

function nearestIndex(mode: Mode, position: number): number {
  switch (mode.nearest) {
    case 'floor':
      return Math.floor(position);
    case 'ceil':
      return Math.ceil(position);
    case 'round_prefer_ceil':
      return Math.floor(position + 0.5);
    default:
      return Math.ceil(position - 0.5);
  }
}

/** Index and weight of every input element that result o uses, before those outside are moved to the edge. */
function contributions(mode: Mode, axis: Axis, o: number): [index: number, weight: number][] {
  const position = source(mode, axis, o);
  if (mode.kind === 'nearest') return [[nearestIndex(mode, position), 1]];
  const stretch = mode.antialias && axis.scale < 1 ? axis.scale : 1;
  const reach = (mode.kind === 'linear' ? 1 : 2) / stretch;
  const found: [number, number][] = [];
  for (let i = Math.ceil(position - reach - 1e-9); i <= position + reach + 1e-9; i++) {
    const distance = Math.abs(i - position) * stretch;
    const weight = mode.kind === 'linear' ? Math.max(0, 1 - distance) : cubic(distance, mode.cubic);
    if (weight !== 0) found.push([i, weight]);
  }
  const used = mode.excludeOutside ? found.filter(([i]) => i >= 0 && i < axis.in) : found;
  const total = used.reduce((sum, [, weight]) => sum + weight, 0);
  return used.map(([i, weight]) => [i, weight / total]);
}

/** The convolution kernel of Keys, "Cubic convolution interpolation for digital image processing" (1981), with coefficient a. */
function cubic(distance: number, a: number): number {
  if (distance <= 1) return ((a + 2) * distance - (a + 3)) * distance * distance + 1;
  return distance < 2 ? ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a : 0;
}

function tapsOf(mode: Mode, axis: Axis, d: number): AxisTaps {
  const rows = Array.from({ length: axis.out }, (_, o) => {
    const merged = new Map<number, number>();
    for (const [index, weight] of contributions(mode, axis, o)) {
      const inside = Math.min(axis.in - 1, Math.max(0, index));
      merged.set(inside, (merged.get(inside) ?? 0) + weight);
    }
    return [...merged].sort(([a], [b]) => a - b);
  });
  const least = rows.map((row) => row[0][0]);
  const span = Math.max(...rows.map((row) => row[row.length - 1][0] - row[0][0] + 1));
  if (span === 1 && rows.every((row) => row[0][1] === 1)) {
    const start = fit(least, d);
    if (start !== undefined) return { start, taps: 1 };
  }
  // A window that starts a little early and is a little longer may have a simple start.
  for (const slack of [0, 1, 2]) {
    const taps = Math.min(axis.in, span + slack);
    const { start, values } = windowStart(rows, least, axis, taps, d);
    if (start !== undefined) return { start, taps, weights: dense(rows, values, taps) };
  }
  return { start: 0, taps: axis.in, weights: dense(rows, Array(axis.out).fill(0), axis.in) };
}

type Row = [index: number, weight: number][];

/** A fitted start such that every row lies in `[start, start + taps)` and that window inside the input. */
function windowStart(
  rows: readonly Row[],
  least: readonly number[],
  axis: Axis,
  taps: number,
  d: number,
): { start?: Expr; values: number[] } {
  const limit = axis.in - taps;
  const candidates = [
    least.map((value) => Math.min(value, limit)),
    least.map((_, o) => Math.max(0, Math.min(limit, Math.floor((o * axis.in) / axis.out)))),
    least.map((_, o) => Math.max(0, Math.min(limit, Math.floor((o * axis.in) / axis.out) - 1))),
  ];
  for (const values of candidates) {
    const covers = rows.every((row, o) => row[0][0] >= values[o] && row[row.length - 1][0] < values[o] + taps);
    const start = covers ? fit(values, d) : undefined;
    if (start !== undefined) return { start, values };
  }
  return { values: [] };
}

function dense(rows: readonly Row[], starts: readonly number[], taps: number): number[] {
  const weights = Array<number>(rows.length * taps).fill(0);
  rows.forEach((row, o) => {
    for (const [index, weight] of row) weights[o * taps + index - starts[o]] = weight;
  });
  return weights;
}

/**
 * Resize and Upsample as a separable weighted sum over a few taps per axis. Nearest with a regular index table is a plain index map;
 * window starts are fitted by `fit`, so that a band of rows reads only a band.
 */
const resize: Lowering = {
  lower(node) {
    const { shape, dtype } = input(node, 0);
    const mode = modeOf(node);
    const axes = axesOf(node, shape);
    const out = axes.map((axis) => axis.out);
    const rank = shape.length;
    const taps = axes.map(
      (axis, d): AxisTaps => (axis.in === axis.out && axis.scale === 1 ? { start: { d }, taps: 1 } : tapsOf(mode, axis, d)),
    );
    const extra: { shape: number[]; dtype: 'float32'; values: readonly number[] }[] = [];
    const operands: Operand[] = [];
    const reduced: number[] = [];
    let term: Scalar = x(0);
    const data = taps.map((axis, d): IndexRange => {
      if (!axis.weights) return at(axis.start);
      const t = { d: rank + reduced.length };
      reduced.push(axis.taps);
      operands.push(read(node.inputs.length + 1 + extra.length, [at({ d }), at(t)]));
      extra.push({ shape: [out[d], axis.taps], dtype: 'float32', values: axis.weights });
      term = mul(term, x(operands.length));
      return at(axis.start === 0 ? t : ['+', axis.start, t]);
    });
    const summed = reduced.length > 0;
    return {
      outputs: [{ shape: out, dtype }],
      extra,
      operations: [
        {
          name: node.name,
          type: node.type,
          attributes: {},
          domain: [...parallel(out), ...reduction(reduced)],
          operands: [read(0, data), ...operands, write(node.inputs.length, dims(0, rank))],
          body: summed
            ? {
                acc: isFloat(dtype) ? accumulatorOf(dtype) : 'float32',
                init: 0,
                step: add('acc', term),
                finish: isFloat(dtype) ? 'acc' : call('trunc', 'acc'),
              }
            : { acc: accumulatorOf(dtype), init: 0, step: 0, finish: x(0) },
          macs: summed ? elements(out) * elements(reduced) : 0,
        },
      ],
    } satisfies Lowered;
  },
};

function modeOf(node: ModelNode): Mode {
  const old = node.type === 'Upsample' || node.opset < 11;
  const kind = text(node, 'mode', 'nearest').replace('bilinear', 'linear');
  const coordinates = old ? 'asymmetric' : text(node, 'coordinate_transformation_mode', 'half_pixel');
  if (kind !== 'nearest' && kind !== 'linear' && kind !== 'cubic') throw wrong(node, `mode ${kind} is not known`);
  if (coordinates === 'tf_crop_and_resize') {
    throw unsupported(`node ${node.name || '(unnamed)'} (${node.type}): coordinate mode tf_crop_and_resize is not handled`);
  }
  return {
    kind,
    coordinates,
    nearest: old ? 'floor' : text(node, 'nearest_mode', 'round_prefer_floor'),
    cubic: number(node, 'cubic_coeff_a', -0.75),
    excludeOutside: flag(node, 'exclude_outside'),
    antialias: flag(node, 'antialias') && kind !== 'nearest',
  };
}

/** Extents and scales from the attribute `scales` (opset 7), input 1 (9, 10), or inputs 2 and 3 (scales or sizes, 11). */
function axesOf(node: ModelNode, shape: readonly number[]): Axis[] {
  const known = (index: number, what: string): number[] =>
    node.inputs[index] && elements(node.inputs[index].shape) > 0 ? constantInput(node, index, what) : [];
  const modern = node.type === 'Resize' && node.opset >= 11;
  const scales = modern ? known(2, 'scales') : (numbers(node, 'scales') ?? known(1, 'scales'));
  const sizes = modern ? known(3, 'sizes') : [];
  const named = numbers(node, 'axes')?.map((axis) => axisOf(node, axis, shape.length)) ?? shape.map((_, d) => d);
  const given = sizes.length ? sizes : scales;
  if (given.length !== named.length) throw wrong(node, `${given.length} scales or sizes do not fit ${named.length} axes`);
  if (given.some((value) => !(value > 0))) throw wrong(node, `scales and sizes [${given}] must be positive`);
  const policy = text(node, 'keep_aspect_ratio_policy', 'stretch');
  const factors = named.map((d, i) => sizes[i] / shape[d]);
  const factor = policy === 'not_larger' ? Math.min(...factors) : policy === 'not_smaller' ? Math.max(...factors) : undefined;
  return shape.map((extent, d) => {
    const i = named.lastIndexOf(d);
    if (i < 0) return { in: extent, out: extent, scale: 1 };
    if (!sizes.length) return { in: extent, out: Math.floor(extent * scales[i]), scale: scales[i] };
    const out = factor === undefined ? sizes[i] : Math.floor(factor * extent + 0.5);
    return { in: extent, out, scale: factor ?? out / extent };
  });
}

export const ResizeOperators = operatorFamily('', { Resize: resize, Upsample: resize });
