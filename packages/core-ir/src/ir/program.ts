import type { Box } from './box.js';
import type { IndexMap } from './index-map.js';
import type { DType, Tensor, TensorBox } from './tensor.js';

/** `accumulate` reads, then writes. */
export type Mode = 'read' | 'write' | 'accumulate';

export interface Operand {
  readonly tensor: number;
  readonly mode: Mode;
  /** Of a write: per dimension a constant, or one parallel `{ d }` plus a constant (size as it is): exact and invertible. */
  readonly map: IndexMap;
  /** What a read beyond the tensor yields (padding); without it such a read is an error. */
  readonly outside?: number;
  /** A write that may take the bytes of this read operand (its position): each point reads its part, then writes the same part. */
  readonly inPlaceOf?: number;
}

/**
 * The scalar meaning of an operation, so that an oracle, a generic kernel and partial sums need no code per type. `{ x: i }` is the
 * element that operand i yields at the point, `{ fn, args }` one of `SCALAR_FUNCTIONS`.
 */
export type Scalar = number | 'acc' | { readonly x: number } | { readonly fn: string; readonly args: readonly Scalar[] };

/** `acc = init; for each point of the reduction: acc = step; result = finish`. Without a reduction, `finish` alone counts. */
export interface Body {
  readonly acc: DType;
  readonly init: Scalar;
  readonly step: Scalar;
  readonly finish: Scalar;
}

export interface Dimension {
  readonly extent: number;
  readonly kind: 'parallel' | 'reduction' | 'sequential';
}

/**
 * One node of the program: an iteration domain and, for each operand, an index map from the domain to the tensor. An operation with
 * a body has one write operand, every read operand of size 1 per dimension. Without a body it is opaque: `type` and `attributes`
 * say what it computes, and an operator set evaluates it.
 */
export interface Operation {
  readonly name: string;
  readonly type: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly domain: readonly Dimension[];
  readonly operands: readonly Operand[];
  readonly body?: Body;
  /** Multiply-accumulates over the whole domain. */
  readonly macs: number;
  /** From a trace: what the whole operation costs. */
  readonly cycles?: number;
  /** From a trace: the engine it must run on. */
  readonly engine?: string;
  /** Bytes of working memory that one task of this operation needs beside its operands. */
  readonly scratchBytes?: number;
}

/**
 * What is computed; no stage changes it. Operations stand in a legal order. Of a model, every element is written at most once; a
 * trace (`trace: true`: every operation has the domain `[]`) writes as it likes.
 */
export interface Program {
  readonly name: string;
  readonly tensors: readonly Tensor[];
  readonly operations: readonly Operation[];
  /** Tensor ids, in the model's order. */
  readonly outputs: readonly number[];
  /** The end of this run is the start of the next. */
  readonly states: readonly { readonly from: TensorBox; readonly to: TensorBox }[];
  readonly trace?: boolean;
}

/** The whole iteration domain as a box. */
export function domainBox(operation: Operation): Box {
  return operation.domain.map(({ extent }) => [0, extent] as const);
}
