import { bounds, dimensionsOf, type IndexRange, type Operation, type Program, shifted, tensorBytes } from '@regrain/core-ir';

/**
 * Along which axes tensors can be cut together. Two axes of two tensors belong together if one parallel dimension of an operation
 * runs along both: then a band of the one is computed from a band (and a halo) of the other. A set of such axes is a chain; the rows
 * of a convolutional network are one, its channels fall apart at every dense layer.
 */
export interface Axes {
  /** The axes of a tensor that its writers and readers can follow, best first: longest chain (in bytes), then outermost. */
  readonly cuttable: readonly (readonly number[])[];
  /** The chain of an axis. */
  chain(tensor: number, axis: number): number;
  /** Elements along the axis that two neighbouring points of a reader both need: its halo. */
  halo(tensor: number, axis: number): number;
}

export function findAxes(program: Program, order: readonly (readonly number[])[]): Axes {
  const { tensors, operations } = program;
  const base: number[] = [];
  let nodes = 0;
  for (const { shape } of tensors) {
    base.push(nodes);
    nodes += shape.length;
  }
  const parent = Int32Array.from({ length: nodes }, (_, i) => i);
  const root = (node: number): number => {
    while (parent[node] !== node) node = parent[node] = parent[parent[node]];
    return node;
  };
  const blocked = new Uint8Array(nodes);
  const halo = new Int32Array(nodes);
  for (const operation of operations) {
    const along = new Map<number, number>();
    for (const { tensor, mode, map } of operation.operands) {
      if (tensors[tensor].kind === 'constant') continue;
      map.forEach((range, axis) => {
        const node = base[tensor] + axis;
        const dimension = mode === 'read' ? followed(operation, range) : written(operation, range);
        if (dimension < 0) {
          if (!program.trace && tensors[tensor].shape[axis] > 1) blocked[node] = 1;
          return;
        }
        if (mode === 'read') halo[node] = Math.max(halo[node], overlap(operation, range, dimension));
        const other = along.get(dimension);
        if (other === undefined) along.set(dimension, node);
        else parent[root(node)] = root(other);
      });
    }
  }
  const weight = new Float64Array(nodes);
  tensors.forEach((tensor, t) => {
    tensor.shape.forEach((_, axis) => {
      weight[root(base[t] + axis)] += tensorBytes(tensor);
    });
  });
  const cuttable = tensors.map(({ shape, kind }, t) => {
    if (kind === 'constant') return [];
    const outermost = order[t]?.length ? order[t] : shape.map((_, axis) => axis);
    const able = outermost.filter((axis) => shape[axis] > 1 && !blocked[base[t] + axis]);
    // A trace has no chains: its outermost axis is the one.
    return program.trace ? able : able.sort((a, b) => weight[root(base[t] + b)] - weight[root(base[t] + a)]);
  });
  return { cuttable, chain: (tensor, axis) => root(base[tensor] + axis), halo: (tensor, axis) => halo[base[tensor] + axis] };
}

/** The one parallel dimension that a read range follows; -1 if none or several. */
function followed(operation: Operation, range: IndexRange): number {
  if (range === 'all') return -1;
  const parallel = [...dimensionsOf(range.at)].filter((d) => operation.domain[d].kind === 'parallel');
  return parallel.length === 1 ? parallel[0] : -1;
}

/** The parallel dimension that a write range is; -1 if it is a constant. */
function written(operation: Operation, range: IndexRange): number {
  const d = shifted(range)?.d ?? -1;
  return d >= 0 && operation.domain[d].kind === 'parallel' ? d : -1;
}

/** What points 0 and 1 of a dimension both read: the window less the stride. */
function overlap(operation: Operation, range: IndexRange, dimension: number): number {
  if (range === 'all' || operation.domain[dimension].extent < 2) return 0;
  const needs = (from: number) => {
    const box = operation.domain.map(({ extent }, d) => (d === dimension ? ([from, from + 1] as const) : ([0, extent] as const)));
    return bounds(range.at, box);
  };
  const [, last] = needs(0);
  const [first] = needs(1);
  return Math.max(0, last + (range.size ?? 1) - first);
}
