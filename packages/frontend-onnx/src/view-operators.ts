import { badInput, elements, materialize, unsupported, type Values } from '@regrain/core-ir';
import type { Value } from './builder.js';
import type { GraphNode } from './graph.js';
import { broadcastTo, reshape, slice, through, transpose, type View } from './view.js';

/** What a view operator sees of its node. */
export interface ViewNode {
  readonly node: GraphNode;
  readonly opset: number;
  readonly inputs: readonly (Value | undefined)[];
  readonly view: View;
  /** Of the stored tensor that the view reads. */
  readonly tensorShape: readonly number[];
}

/** Operators that only say where elements are read; `undefined` where this node needs a real operation. */
export const VIEW_OPERATORS: Readonly<Record<string, (node: ViewNode) => readonly View[] | undefined>> = {
  Identity: ({ view }) => [view],
  // The mask, a second result, is a constant.
  Dropout: ({ view }) => [view],
  Reshape: reshapeNode,
  Flatten: ({ node, view }) => {
    const given = Number(node.attributes.axis ?? 1);
    // The rank itself is allowed: everything before it, 1 after it.
    const axis = given === view.shape.length ? given : axisOf(node, given, view.shape.length);
    return [reshape(view, [elements(view.shape.slice(0, axis)), elements(view.shape.slice(axis))])];
  },
  Squeeze: (given) => {
    const { node, view } = given;
    const axes =
      listOf(given, 'axes', 1)?.map((axis) => axisOf(node, axis, view.shape.length)) ??
      view.shape.flatMap((extent, d) => (extent === 1 ? [d] : []));
    for (const axis of axes) if (view.shape[axis] !== 1) throw wrong(node, `dimension ${axis} of shape [${view.shape}] is not 1`);
    return [
      reshape(
        view,
        view.shape.filter((_, d) => !axes.includes(d)),
      ),
    ];
  },
  Unsqueeze: (given) => {
    const { node, view } = given;
    const axes = listOf(given, 'axes', 1) ?? [];
    const rank = view.shape.length + axes.length;
    const added = new Set(axes.map((axis) => axisOf(node, axis, rank)));
    const rest = [...view.shape];
    return [
      reshape(
        view,
        Array.from({ length: rank }, (_, d) => (added.has(d) ? 1 : (rest.shift() as number))),
      ),
    ];
  },
  Transpose: ({ node, view }) => {
    const order = (node.attributes.perm as number[] | undefined) ?? view.shape.map((_, d) => view.shape.length - 1 - d);
    if (order.toSorted((a, b) => a - b).some((d, k) => d !== k) || order.length !== view.shape.length)
      throw wrong(node, `perm [${order}] is no order of ${view.shape.length} dimensions`);
    return [transpose(view, order)];
  },
  Slice: sliceNode,
  Split: splitNode,
  Gather: gatherNode,
  Expand: (given) => {
    const wanted = listOf(given, 'shape', 1);
    if (!wanted) return undefined;
    const { shape } = given.view;
    const rank = Math.max(shape.length, wanted.length);
    const result = Array.from({ length: rank }, (_, d) =>
      Math.max(shape[d - rank + shape.length] ?? 1, wanted[d - rank + wanted.length] ?? 1),
    );
    return [broadcastTo(given.view, result)];
  },
  Pad: padNode,
  DepthToSpace: ({ node, view }) => {
    const [n, c, h, w] = view.shape;
    const b = Number(node.attributes.blocksize);
    const columnFirst = node.attributes.mode === 'CRD';
    const split = reshape(view, columnFirst ? [n, c / (b * b), b, b, h, w] : [n, b, b, c / (b * b), h, w]);
    return [reshape(transpose(split, columnFirst ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2]), [n, c / (b * b), h * b, w * b])];
  },
  SpaceToDepth: ({ node, view }) => {
    const [n, c, h, w] = view.shape;
    const b = Number(node.attributes.blocksize);
    return [reshape(transpose(reshape(view, [n, c, h / b, b, w / b, b]), [0, 3, 5, 1, 2, 4]), [n, c * b * b, h / b, w / b])];
  },
};

function wrong(node: GraphNode, what: string): Error {
  return badInput(`node ${node.name} (${node.type}): ${what}`);
}

function axisOf(node: GraphNode, axis: number, rank: number): number {
  const positive = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || positive < 0 || positive >= Math.max(1, rank))
    throw wrong(node, `axis ${axis} is outside a tensor of rank ${rank}`);
  return positive;
}

/** A list given as an attribute (old) or as a constant input (new). */
function listOf({ node, inputs }: ViewNode, name: string, position: number): number[] | undefined {
  const own = node.attributes[name];
  if (Array.isArray(own)) return own as number[];
  const value = inputs[position];
  if (!value) return undefined;
  if (!value.values)
    throw unsupported(`node ${node.name} (${node.type}): ${name} is computed while the model runs; only a constant is handled`);
  return Array.from(materialize(value.values));
}

function reshapeNode(given: ViewNode): readonly View[] {
  const { node, view } = given;
  const wanted = listOf(given, 'shape', 1) ?? [];
  const zero = Number(node.attributes.allowzero ?? 0) !== 0;
  const shape = wanted.map((extent, d) => (extent === 0 && !zero ? view.shape[d] : extent));
  const open = shape.indexOf(-1);
  if (open >= 0) shape[open] = elements(view.shape) / Math.max(1, elements(shape.filter((_, d) => d !== open)));
  if (shape.some((extent) => !Number.isInteger(extent) || extent < 0) || elements(shape) !== elements(view.shape))
    throw wrong(node, `shape [${view.shape}] cannot become [${wanted}]`);
  return [reshape(view, shape)];
}

function sliceNode(given: ViewNode): readonly View[] | undefined {
  const { node, opset } = given;
  const input = (name: string, position: number): number[] | undefined => listOf(given, name, opset < 10 ? -1 : position);
  const starts = input('starts', 1) ?? [];
  const ends = input('ends', 2) ?? [];
  const axes = input('axes', 3) ?? starts.map((_, k) => k);
  const steps = input('steps', 4) ?? starts.map(() => 1);
  let { view } = given;
  axes.forEach((given, k) => {
    const axis = axisOf(node, given, view.shape.length);
    const extent = view.shape[axis];
    const step = steps[k];
    const bring = (at: number, lo: number, hi: number): number => Math.min(hi, Math.max(lo, at < 0 ? at + extent : at));
    const start = step > 0 ? bring(starts[k], 0, extent) : bring(starts[k], 0, extent - 1);
    const end = step > 0 ? bring(ends[k], 0, extent) : bring(ends[k], -1, extent - 1);
    view = slice(view, axis, start, Math.max(0, Math.ceil((end - start) / step)), step);
  });
  return [view];
}

function splitNode(given: ViewNode): readonly View[] {
  const { node, view } = given;
  const axis = axisOf(node, Number(node.attributes.axis ?? 0), view.shape.length);
  const parts = node.outputs.length;
  const each = Math.ceil(view.shape[axis] / parts);
  const sizes = listOf(given, 'split', 1) ?? Array.from({ length: parts }, (_, k) => Math.min(each, view.shape[axis] - k * each));
  let at = 0;
  return sizes.map((size) => {
    at += size;
    return slice(view, axis, at - size, size);
  });
}

/** One index, or indices in equal steps, is a view. */
function gatherNode(given: ViewNode): readonly View[] | undefined {
  const { node, inputs, view } = given;
  const values = inputs[1]?.values;
  if (!values) return undefined;
  const axis = axisOf(node, Number(node.attributes.axis ?? 0), view.shape.length);
  const indices = Array.from(materialize(values), (index) => (index < 0 ? index + view.shape[axis] : index));
  for (const index of indices)
    if (index < 0 || index >= view.shape[axis]) throw wrong(node, `index ${index} is outside dimension ${axis} of shape [${view.shape}]`);
  if (indices.length === 0) return undefined;
  if (values.shape.length === 0) {
    const shape = view.shape.filter((_, d) => d !== axis);
    return [
      through(
        view,
        shape,
        view.shape.map((_, d) => (d === axis ? indices[0] : { d: d < axis ? d : d - 1 })),
      ),
    ];
  }
  const step = indices.length > 1 ? indices[1] - indices[0] : 1;
  if (values.shape.length !== 1 || step === 0 || indices.some((index, k) => index !== indices[0] + k * step)) return undefined;
  return [slice(view, axis, indices[0], indices.length, step)];
}

function padNode(given: ViewNode): readonly View[] | undefined {
  const { node, inputs, view } = given;
  if ((node.attributes.mode ?? 'constant') !== 'constant' || view.outside !== undefined) return undefined;
  const pads = listOf(given, 'pads', 1);
  if (!pads) return undefined;
  const axes = inputs[3]?.values
    ? Array.from(materialize(inputs[3].values), (axis) => axisOf(node, axis, view.shape.length))
    : view.shape.map((_, d) => d);
  const fill = inputs[2] ? (inputs[2].values?.splat ?? inputs[2].values?.data[0]) : Number(node.attributes.value ?? 0);
  if (fill === undefined) return undefined;
  const before = view.shape.map((_, d) => (axes.includes(d) ? pads[axes.indexOf(d)] : 0));
  const after = view.shape.map((_, d) => (axes.includes(d) ? pads[axes.indexOf(d) + axes.length] : 0));
  if (before.every((pad) => pad <= 0) && after.every((pad) => pad <= 0)) {
    return [
      through(
        view,
        view.shape.map((extent, d) => extent + before[d] + after[d]),
        view.shape.map((_, d) => (before[d] ? ['+', { d }, -before[d]] : { d })),
      ),
    ];
  }
  // Reads outside of the view must be reads outside of the tensor.
  const reaches = view.shape.every(
    (extent, d) =>
      (before[d] === 0 && after[d] === 0) ||
      view.map.some((expr, j) => typeof expr === 'object' && 'd' in expr && expr.d === d && given.tensorShape[j] === extent),
  );
  if (!reaches || [...before, ...after].some((pad) => pad < 0)) return undefined;
  return [
    through(
      view,
      view.shape.map((extent, d) => extent + before[d] + after[d]),
      view.shape.map((_, d) => (before[d] ? ['+', { d }, -before[d]] : { d })),
      fill,
    ),
  ];
}

/** Values of a view of known values. */
export function viewedValues(values: Values, view: View): Values {
  const { dtype } = values;
  if (values.splat !== undefined && view.outside === undefined) return { dtype, shape: view.shape, data: [], splat: values.splat };
  return { dtype, shape: view.shape, data: [] };
}
