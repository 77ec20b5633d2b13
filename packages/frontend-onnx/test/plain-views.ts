import { elements, type Values } from '@regrain/core-ir';

/**
 * Operators that the driver turns into index maps, written here plainly, so that whole graphs can be run node by node without it.
 * Undefined for any other type.
 */
export function plainView(
  type: string,
  attributes: Readonly<Record<string, unknown>>,
  inputs: readonly (Values | undefined)[],
  outputs: number,
): Values[] | undefined {
  const view = VIEWS[type];
  return view?.({ attributes, inputs, outputs, x: inputs[0]! });
}

interface Call {
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly inputs: readonly (Values | undefined)[];
  readonly outputs: number;
  readonly x: Values;
}

export const valuesOf = (values: Values): ArrayLike<number> =>
  values.splat === undefined ? values.data : new Float64Array(elements(values.shape)).fill(values.splat);

const list = ({ attributes, inputs }: Call, index: number, name: string): number[] | undefined => {
  const given = inputs[index];
  return given ? Array.from(valuesOf(given)) : (attributes[name] as number[] | undefined);
};
const wrap = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);
const reshaped = (x: Values, shape: number[]): Values[] => [{ ...x, shape }];

/** A tensor whose element at each point is that of `x` at `from(point)`. */
function pick(x: Values, shape: number[], from: (point: readonly number[]) => readonly number[]): Values {
  const strides = x.shape.map((_, d) => elements(x.shape.slice(d + 1)));
  const source = valuesOf(x);
  const point = shape.map(() => 0);
  const data = Float64Array.from({ length: elements(shape) }, (_, i) => {
    let rest = i;
    for (let d = shape.length - 1; d >= 0; d--) {
      point[d] = rest % shape[d];
      rest = Math.floor(rest / shape[d]);
    }
    return source[from(point).reduce((sum, at, d) => sum + at * strides[d], 0)];
  });
  return { dtype: x.dtype, shape, data };
}

function concat(all: readonly Values[], axis: number): Values {
  const starts: number[] = [];
  let total = 0;
  for (const { shape } of all) {
    starts.push(total);
    total += shape[axis];
  }
  const shape = all[0].shape.map((extent, d) => (d === axis ? total : extent));
  const arrays = all.map(valuesOf);
  const inner = elements(shape.slice(axis + 1));
  const data = Float64Array.from({ length: elements(shape) }, (_, i) => {
    const at = Math.floor(i / inner) % total;
    const part = starts.findLastIndex((start, k) => start <= at && all[k].shape[axis] > 0);
    const own = all[part].shape[axis];
    return arrays[part][(Math.floor(i / (inner * total)) * own + at - starts[part]) * inner + (i % inner)];
  });
  return { dtype: all[0].dtype, shape, data };
}

function slice(call: Call): Values[] {
  const { x } = call;
  const starts = list(call, 1, 'starts') ?? [];
  const ends = list(call, 2, 'ends') ?? [];
  const axes = list(call, 3, 'axes') ?? starts.map((_, i) => i);
  const steps = list(call, 4, 'steps') ?? starts.map(() => 1);
  const from = x.shape.map(() => 0);
  const step = x.shape.map(() => 1);
  const shape = [...x.shape];
  axes.forEach((axis, i) => {
    const d = wrap(axis, x.shape.length);
    const extent = x.shape[d];
    const [least, most] = steps[i] > 0 ? [0, extent] : [-1, extent - 1];
    const clamp = (at: number): number => Math.min(most, Math.max(least, at < 0 ? at + extent : at));
    from[d] = clamp(starts[i]);
    step[d] = steps[i];
    shape[d] = Math.max(0, Math.ceil((clamp(ends[i]) - from[d]) / steps[i]));
  });
  return [pick(x, shape, (point) => point.map((at, d) => from[d] + at * step[d]))];
}

function split(call: Call): Values[] {
  const { x, attributes, outputs } = call;
  const axis = wrap((attributes.axis as number) ?? 0, x.shape.length);
  const even = Math.ceil(x.shape[axis] / outputs);
  const sizes = list(call, 1, 'split') ?? Array.from({ length: outputs }, (_, i) => Math.min(even, x.shape[axis] - i * even));
  let start = 0;
  return sizes.map((size) => {
    const from = start;
    start += size;
    const shape = x.shape.map((extent, d) => (d === axis ? size : extent));
    return pick(x, shape, (point) => point.map((at, d) => (d === axis ? at + from : at)));
  });
}

const VIEWS: Readonly<Record<string, (call: Call) => Values[]>> = {
  Identity: ({ x }) => [x],
  Dropout: ({ x }) => [x, { dtype: 'bool', shape: x.shape, data: [], splat: 1 }],
  Reshape: (call) => {
    const { x, attributes } = call;
    const wanted = list(call, 1, 'shape') ?? [];
    const shape = wanted.map((extent, d) => (extent === 0 && !attributes.allowzero ? x.shape[d] : extent));
    const open = shape.indexOf(-1);
    if (open >= 0) shape[open] = elements(x.shape) / shape.filter((extent) => extent !== -1).reduce((a, b) => a * b, 1);
    return reshaped(x, shape);
  },
  Flatten: ({ x, attributes }) => {
    const axis = wrap((attributes.axis as number) ?? 1, x.shape.length);
    return reshaped(x, [elements(x.shape.slice(0, axis)), elements(x.shape.slice(axis))]);
  },
  Squeeze: (call) => {
    const { shape } = call.x;
    const axes = list(call, 1, 'axes')?.map((axis) => wrap(axis, shape.length)) ?? shape.flatMap((extent, d) => (extent === 1 ? [d] : []));
    return reshaped(
      call.x,
      shape.filter((_, d) => !axes.includes(d)),
    );
  },
  Unsqueeze: (call) => {
    const given = list(call, 1, 'axes') ?? [];
    const rank = call.x.shape.length + given.length;
    const axes = given.map((axis) => wrap(axis, rank));
    let next = 0;
    return reshaped(
      call.x,
      Array.from({ length: rank }, (_, d) => (axes.includes(d) ? 1 : call.x.shape[next++])),
    );
  },
  Transpose: ({ x, attributes }) => {
    const order = (attributes.perm as number[] | undefined) ?? x.shape.map((_, d) => x.shape.length - 1 - d);
    return [
      pick(
        x,
        order.map((d) => x.shape[d]),
        (point) => x.shape.map((_, d) => point[order.indexOf(d)]),
      ),
    ];
  },
  Concat: ({ inputs, attributes, x }) => [concat(inputs as Values[], wrap(attributes.axis as number, x.shape.length))],
  Slice: slice,
  Split: split,
  Expand: (call) => {
    const { x } = call;
    const wanted = list(call, 1, 'shape') ?? [];
    const rank = Math.max(wanted.length, x.shape.length);
    const own = (d: number): number => x.shape[d - rank + x.shape.length] ?? 1;
    const shape = Array.from({ length: rank }, (_, d) => (own(d) === 1 ? (wanted[d - rank + wanted.length] ?? 1) : own(d)));
    return [pick(x, shape, (point) => x.shape.map((extent, d) => (extent === 1 ? 0 : point[d + rank - x.shape.length])))];
  },
  DepthToSpace: ({ x, attributes }) => {
    const block = attributes.blocksize as number;
    const [n, c, h, w] = x.shape;
    const depth = c / block / block;
    const columnFirst = attributes.mode === 'CRD';
    const channel = (k: number, r: number, s: number): number => (columnFirst ? (k * block + r) * block + s : (r * block + s) * depth + k);
    return [
      pick(x, [n, depth, h * block, w * block], ([i, k, r, s]) => [
        i,
        channel(k, r % block, s % block),
        Math.floor(r / block),
        Math.floor(s / block),
      ]),
    ];
  },
};
