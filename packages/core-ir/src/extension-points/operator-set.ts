import type { Operation } from '../ir/program.js';
import type { DType, Tensor } from '../ir/tensor.js';

/** Values of one tensor, row-major; int64 as BigInt arrays are not used: 64-bit integers are Float64Array. bool is 0 or 1. */
export interface Values {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
  /** Every element has this value; `data` is empty then. Large uniform constants come so. */
  readonly splat?: number;
}

/** A node of a model, free of its file format. `constants[i]` holds the values of input i where they are known. */
export interface ModelNode {
  readonly name: string;
  readonly type: string;
  /** `''` is ONNX's own. */
  readonly domain: string;
  /** The version of the domain's operator set. */
  readonly opset: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly inputs: readonly (Pick<Tensor, 'shape' | 'dtype'> | undefined)[];
  readonly constants: readonly (Values | undefined)[];
  /** How many outputs the model asks for. */
  readonly outputs: number;
}

/**
 * What a node becomes: `outputs` are the shapes and types of its results, `extra` constants or intermediate tensors of its own.
 * Operands number the tensors: first the node's inputs (absent ones keep their place), then its outputs, then `extra`.
 */
export interface Lowered {
  readonly outputs: readonly { readonly shape: readonly number[]; readonly dtype: DType }[];
  readonly extra?: readonly {
    readonly shape: readonly number[];
    readonly dtype: DType;
    readonly values?: ArrayLike<number> | { readonly splat: number };
  }[];
  readonly operations: readonly Operation[];
}

/** How operators of a model become operations. All contributions are used; the first that knows a type lowers it. */
export interface OperatorSet {
  readonly types: readonly { readonly domain: string; readonly type: string }[];
  lower(node: ModelNode): Lowered;
  /**
   * Computes an opaque operation, one result per write operand in order; undefined where it is not of this set. Inputs may be cut to
   * what a part of the domain reads: results that then have the part's number of elements are taken as that part's, row-major.
   */
  evaluate?(operation: Operation, inputs: readonly Values[]): readonly Values[] | undefined;
}
export const OperatorSet = Symbol.for('regrain.OperatorSet');

/** Inject this to get every operator set that is bound: `readonly OperatorSet[]`. */
export const OperatorSets = Symbol.for('regrain.OperatorSets');
