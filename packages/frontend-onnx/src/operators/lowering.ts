import {
  type Body,
  badInput,
  type Dimension,
  type DType,
  ELEMENT_BYTES,
  type Expr,
  elements,
  type IndexMap,
  type IndexRange,
  type Lowered,
  type ModelNode,
  type Operand,
  type Operation,
  type OperatorSet,
  type Scalar,
  type Tensor,
  type Values,
} from '@regrain/core-ir';
import { injectable, type Newable } from 'inversify';

export type Shaped = Pick<Tensor, 'shape' | 'dtype'>;

/** What a family knows of one operator type. */
export interface Lowering {
  lower(node: ModelNode): Lowered;
  /** Of an opaque operation: from its attributes and the values of its read operands to those of its write operands. */
  evaluate?(attributes: Operation['attributes'], inputs: readonly Values[]): readonly Values[];
}

/** An operator set made of a table from type to lowering, all of one domain. */
export function operatorFamily(domain: string, table: Readonly<Record<string, Lowering>>): Newable<OperatorSet> {
  class OperatorFamily implements OperatorSet {
    readonly types = Object.keys(table).map((type) => ({ domain, type }));

    lower(node: ModelNode): Lowered {
      return table[node.type].lower(node);
    }

    evaluate(operation: Operation, inputs: readonly Values[]): readonly Values[] | undefined {
      return table[operation.type]?.evaluate?.(
        operation.attributes,
        inputs.map((values) => ({ dtype: values.dtype, shape: values.shape, data: written(values) })),
      );
    }
  }
  injectable()(OperatorFamily);
  return OperatorFamily;
}

/** The error of a node whose inputs or attributes are wrong. */
export function wrong(node: ModelNode, what: string): Error {
  return badInput(`node ${node.name || '(unnamed)'} (${node.type}): ${what}`);
}

/** The node's input, or an error that names it. */
export function input(node: ModelNode, index: number): Shaped {
  const found = node.inputs[index];
  if (!found) throw wrong(node, `input ${index} is missing`);
  return found;
}

/** Brings a possibly negative axis into `[0, rank)`. */
export function axisOf(node: ModelNode, axis: number, rank: number): number {
  const positive = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || positive < 0 || positive >= Math.max(rank, 1)) {
    throw wrong(node, `axis ${axis} is outside a tensor of rank ${rank}`);
  }
  return positive;
}

/** The result's shape of numpy-style broadcasting. */
export function broadcast(node: ModelNode, shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, d) => {
    let extent = 1;
    for (const shape of shapes) {
      const own = shape[d - rank + shape.length] ?? 1;
      if (own === 1) continue;
      if (extent !== 1 && own !== extent) {
        throw wrong(node, `shapes ${shapes.map((s) => `[${s}]`).join(' and ')} do not broadcast`);
      }
      extent = own;
    }
    return extent;
  });
}

/** How a tensor of `shape` is read at a point of `out`, dimensions aligned at the right (`first` = the domain's dimension of out's first). */
export function broadcastMap(shape: readonly number[], out: readonly number[], first = 0): IndexMap {
  return shape.map((extent, i) => {
    const d = out.length - shape.length + i;
    return { at: extent === 1 && out[d] !== 1 ? 0 : { d: first + d } };
  });
}

export const at = (expr: Expr, size?: number): IndexRange => (size === undefined ? { at: expr } : { at: expr, size });
export const dims = (from: number, count: number): IndexRange[] => Array.from({ length: count }, (_, i) => ({ at: { d: from + i } }));

export const parallel = (extents: readonly number[]): Dimension[] => extents.map((extent) => ({ extent, kind: 'parallel' }));
export const reduction = (extents: readonly number[]): Dimension[] => extents.map((extent) => ({ extent, kind: 'reduction' }));

export const read = (tensor: number, map: IndexMap, outside?: number): Operand =>
  outside === undefined ? { tensor, mode: 'read', map } : { tensor, mode: 'read', map, outside };
export const write = (tensor: number, map: IndexMap, inPlaceOf?: number): Operand =>
  inPlaceOf === undefined ? { tensor, mode: 'write', map } : { tensor, mode: 'write', map, inPlaceOf };

export const FLOATS: ReadonlySet<DType> = new Set(['float32', 'float16', 'float64']);
export const isFloat = (dtype: DType): boolean => FLOATS.has(dtype);

/** The type to accumulate sums of a dtype in. */
export const accumulatorOf = (dtype: DType): DType =>
  dtype === 'float16' ? 'float32' : isFloat(dtype) ? dtype : ELEMENT_BYTES[dtype] === 8 ? dtype : 'int32';

/** Body without a reduction. */
export const pointBody = (dtype: DType, finish: Scalar): Body => ({ acc: accumulatorOf(dtype), init: 0, step: 0, finish });

/** The least and greatest value of an integer type. */
export function rangeOf(dtype: DType): readonly [low: number, high: number] {
  if (isFloat(dtype)) return [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  if (dtype === 'bool') return [0, 1];
  const bits = ELEMENT_BYTES[dtype] * 8;
  if (dtype.startsWith('uint')) return [0, 2 ** bits - 1];
  return [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
}

export interface PointInput {
  /** Position among the node's inputs (or, from there on, of `extra`). */
  readonly tensor: number;
  readonly shape: readonly number[];
  readonly dtype?: DType;
  /** A constant is never written over. */
  readonly constant?: boolean;
  readonly map?: IndexMap;
}

/** An operation without a reduction: each result element from the elements of `reads` that broadcasting gives. */
export function pointwise(
  node: ModelNode,
  out: Shaped,
  reads: readonly PointInput[],
  finish: Scalar,
  extra: Lowered['extra'] = [],
): Lowered {
  const inPlace = reads.findIndex(
    (r) =>
      r.dtype !== undefined &&
      !r.constant &&
      r.map === undefined &&
      ELEMENT_BYTES[r.dtype] === ELEMENT_BYTES[out.dtype] &&
      r.shape.length === out.shape.length &&
      r.shape.every((extent, d) => extent === out.shape[d]),
  );
  const rank = out.shape.length;
  return {
    outputs: [out],
    extra,
    operations: [
      {
        name: node.name,
        type: node.type,
        attributes: {},
        domain: parallel(out.shape),
        operands: [
          ...reads.map((r) => read(r.tensor, r.map ?? broadcastMap(r.shape, out.shape))),
          write(node.inputs.length, dims(0, rank), inPlace < 0 ? undefined : inPlace),
        ],
        body: pointBody(out.dtype, finish),
        macs: 0,
      },
    ],
  };
}

/** The node's input as a read operand of `pointwise`. */
export function pointInput(node: ModelNode, index: number): PointInput {
  const { shape, dtype } = input(node, index);
  return { tensor: index, shape, dtype, constant: node.constants[index] !== undefined };
}

/** The value of a constant with one element, or one value everywhere, which a body can hold as a number. */
export function scalarConstant(node: ModelNode, index: number): number | undefined {
  const values = node.constants[index];
  return values?.splat ?? (values && elements(values.shape) === 1 ? values.data[0] : undefined);
}

/** A known constant's values, written out. */
export function constantOf(node: ModelNode, index: number): ArrayLike<number> | undefined {
  const values = node.constants[index];
  return values && written(values);
}

/** All values of an input that must be known. */
export function constantInput(node: ModelNode, index: number, what: string): number[] {
  const values = constantOf(node, index);
  if (!values) throw wrong(node, `input ${index} (${what}) must be a constant`);
  return Array.from(values);
}

/** Dimensions of an opaque operation: `whole` ones are taken at once, the others are parallel. */
export function opaque(
  node: ModelNode,
  outputs: readonly Shaped[],
  options: {
    /** Position of each read among the node's inputs, with its map over the domain. */
    readonly reads: readonly { readonly tensor: number; readonly map: IndexMap }[];
    readonly domain?: readonly number[];
    readonly writes?: readonly IndexMap[];
    readonly attributes?: Readonly<Record<string, unknown>>;
    readonly macs?: number;
    /** Each point reads all of its window before it writes the same window of the result: the bytes may be the same. */
    readonly inPlace?: boolean;
  },
): Lowered {
  return {
    outputs,
    operations: [
      {
        name: node.name,
        type: node.type,
        attributes: {
          ...options.attributes,
          results: outputs.map(({ shape, dtype }) => ({ shape: [...shape], dtype })),
        },
        domain: parallel(options.domain ?? []),
        operands: [
          ...options.reads.map(({ tensor, map }) => read(tensor, map)),
          ...outputs.map((out, i) =>
            write(node.inputs.length + i, options.writes?.[i] ?? wholeMap(out.shape), options.inPlace ? 0 : undefined),
          ),
        ],
        macs: options.macs ?? 0,
      },
    ],
  };
}

/** Takes every dimension at once. */
export const wholeMap = (shape: readonly number[]): IndexMap => shape.map((size) => ({ at: 0, size }));

/** Takes `axes` at once and the other dimensions one by one: the domain is what remains. */
export function windowMap(shape: readonly number[], axes: readonly number[]): { domain: number[]; map: IndexMap } {
  const domain: number[] = [];
  const map = shape.map((size, d): IndexRange => {
    if (axes.includes(d)) return { at: 0, size };
    domain.push(size);
    return { at: { d: domain.length - 1 } };
  });
  return { domain, map };
}

/** The results that `opaque` noted in the attributes. */
export function resultsOf(attributes: Operation['attributes']): readonly Shaped[] {
  return attributes.results as readonly Shaped[];
}

/** A whole opaque operation that reads all of its inputs whole. */
export function opaqueWhole(node: ModelNode, outputs: readonly Shaped[], attributes: Readonly<Record<string, unknown>> = {}): Lowered {
  const reads = node.inputs.flatMap((tensor, i) => (tensor ? [{ tensor: i, map: wholeMap(tensor.shape) }] : []));
  const present = node.inputs.map((tensor) => tensor !== undefined);
  return opaque(node, outputs, { reads, attributes: { ...attributes, present } });
}

/** The inputs of an `opaqueWhole` operation at their places in the node. */
export function placed(attributes: Operation['attributes'], inputs: readonly Values[]): (Values | undefined)[] {
  let next = 0;
  return (attributes.present as readonly boolean[]).map((is) => (is ? inputs[next++] : undefined));
}

/**
 * A result that is known at load time: a copy of a constant of its own, or for a `splat` an operation that reads nothing. The driver
 * folds operations whose reads are all constants.
 */
export function folded(node: ModelNode, out: Shaped, values: ArrayLike<number> | { readonly splat: number }): Lowered {
  if ('splat' in values) return pointwise(node, out, [], values.splat);
  const own = node.inputs.length + 1;
  return pointwise(node, out, [{ tensor: own, shape: out.shape, dtype: out.dtype, constant: true }], { x: 0 }, [{ ...out, values }]);
}

/** The values of a tensor, a splat written out. */
function written(values: Values): ArrayLike<number> {
  return values.splat === undefined ? values.data : new Float64Array(elements(values.shape)).fill(values.splat);
}
