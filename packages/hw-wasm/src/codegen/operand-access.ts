import { bounds, type DType, dimensionsOf, domainBox, ELEMENT_BYTES, type Expr } from '@regrain/core-ir';
import { bytesOf, packByDomain } from '../layout/packing.js';
import type { View } from '../layout/view.js';
import { Addresses, type Point } from './addresses.js';
import type { Expression, FunctionBuilder, Local } from './function-builder.js';
import { type Parameters, readParameters } from './generic.js';
import type { KernelShape, SelectContext } from './kernel.js';
import type { LaneCode } from './lanes/code.js';
import type { Lanes } from './lanes/lanes.js';

/** How lanes reach an operand. */
export interface LaneOperand {
  readonly dtype: DType;
  /** Bytes from one lane to the next; 0: all lanes read the same element. */
  readonly stride: number;
  /** A constant laid out by the domain: bytes per step of each dimension. Its base is the k-th extra parameter. */
  readonly packed?: { readonly strides: readonly number[]; readonly extra: number };
  /** What lies outside the tensor, as a vector in memory: the k-th extra parameter. */
  readonly outside?: number;
}

/** Constants are repacked only if that makes them no more than this many times larger. */
const PACK_GROWTH = 4;

/** How lanes along a dimension reach operand k; what that needs in memory is put there, its address added to `extra`. */
export function laneOperand(shape: KernelShape, context: SelectContext, k: number, lane: number, extra: number[]): LaneOperand | undefined {
  const { operation, operands } = shape;
  const operand = operands[k];
  if (operand?.kind !== 'view') return undefined;
  const { map, outside, tensor } = operation.operands[k];
  const { dtype } = operand.view;
  const width = ELEMENT_BYTES[dtype];
  const own = laneStride(shape, k, lane);
  if (context.program.tensors[tensor].kind === 'constant' && own !== width && own !== 0) {
    const extents = operation.domain.map(({ extent }) => extent);
    const dims = packDims(shape, k, lane);
    const address = context.segment.once(`pack ${tensor} ${JSON.stringify(map)} ${extents} ${dims}`, () =>
      context.segment.put(bytesOf(packByDomain(context.valuesOf(tensor), map, extents, dims).data, dtype)),
    );
    extra.push(address);
    return { dtype, stride: width, packed: { strides: packStrides(extents, dims, width), extra: extra.length - 1 } };
  }
  const result: LaneOperand = { dtype, stride: own ?? 0 };
  if (outside === undefined || !leaves(shape, k)) return result;
  const bytes = Math.max(width, (operation.domain[lane]?.extent ?? 1) * (own ?? 0)) + 16;
  extra.push(outsideVector(context, dtype, outside, bytes));
  return { ...result, outside: extra.length - 1 };
}

/** The address of a run of equal elements, which stands for what lies outside a tensor. */
export function outsideVector({ segment }: SelectContext, dtype: DType, value: number, bytes: number): number {
  return segment.once(`outside ${dtype} ${value} ${bytes}`, () =>
    segment.put(bytesOf(new Float64Array(Math.ceil(bytes / ELEMENT_BYTES[dtype])).fill(value), dtype)),
  );
}

/** Whether an operand's map can leave its tensor. */
export function leaves({ operation, shapes }: KernelShape, k: number): boolean {
  const domain = domainBox(operation);
  return operation.operands[k].map.some((range, d) => {
    if (range === 'all') return false;
    const [low, high] = bounds(range.at, domain);
    return low < 0 || high >= shapes[k][d];
  });
}

/** Bytes between neighbours along a dimension; undefined where the address is not linear in it. */
export function laneStride({ operation, operands }: KernelShape, k: number, lane: number): number | undefined {
  const operand = operands[k];
  if (operand?.kind !== 'view') return 0;
  const { strides, table } = operand.view;
  let sum = 0;
  for (const [d, range] of operation.operands[k].map.entries()) {
    if (range === 'all') return undefined;
    if (!dimensionsOf(range.at).has(lane)) continue;
    const factor = coefficient(range.at, lane);
    const by = table.find(({ dimension }) => dimension === d);
    if (factor === undefined || (by && (by.block === 1 || factor < 1))) return undefined;
    sum += factor * strides[d];
  }
  return sum;
}

/** The blocks of a dimension within which `laneStride` holds for operand k; undefined where it holds throughout. */
export function laneBlock({ operation, operands }: KernelShape, k: number, lane: number): number | undefined {
  const operand = operands[k];
  if (operand?.kind !== 'view') return undefined;
  for (const { dimension, block } of operand.view.table) {
    const range = operation.operands[k].map[dimension];
    if (range === 'all' || !dimensionsOf(range.at).has(lane)) continue;
    const factor = coefficient(range.at, lane) ?? 0;
    if (factor < 1 || block % factor !== 0) return 1;
    // With a shift by whole steps the borders of blocks shift too: then only what divides both.
    return commonDivisor(block / factor, Math.floor(constantOf(range.at) / factor));
  }
  return undefined;
}

export function commonDivisor(a: number, b: number): number {
  return b === 0 ? Math.abs(a) : commonDivisor(b, a % b);
}

/** The constant part of a linear expression. */
export function constantOf(expr: Expr): number {
  if (typeof expr === 'number') return expr;
  if ('d' in expr) return 0;
  return expr[0] === '+' ? constantOf(expr[1]) + constantOf(expr[2]) : expr[0] === '*' ? constantOf(expr[1]) * expr[2] : 0;
}

/** How often an expression counts a dimension; undefined inside divisions and clamps. */
export function coefficient(expr: Expr, dimension: number): number | undefined {
  if (typeof expr === 'number') return 0;
  if ('d' in expr) return expr.d === dimension ? 1 : 0;
  if (expr[0] === '+') {
    const [a, b] = [coefficient(expr[1], dimension), coefficient(expr[2], dimension)];
    return a === undefined || b === undefined ? undefined : a + b;
  }
  if (!dimensionsOf(expr[1]).has(dimension)) return 0;
  const inner = coefficient(expr[1], dimension);
  return expr[0] === '*' && inner !== undefined ? inner * expr[2] : undefined;
}

function packDims({ operation }: KernelShape, k: number, lane: number): number[] {
  const used = new Set<number>();
  for (const range of operation.operands[k].map) if (range !== 'all') dimensionsOf(range.at, used);
  used.delete(lane);
  return [...[...used].sort((a, b) => a - b), lane];
}

export function packable(shape: KernelShape, k: number, lane: number): boolean {
  const { operation, shapes } = shape;
  if (operation.operands[k].map.includes('all') || operation.operands[k].outside !== undefined) return false;
  const size = packDims(shape, k, lane).reduce((product, d) => product * operation.domain[d].extent, 1);
  return size <= PACK_GROWTH * shapes[k].reduce((product, extent) => product * extent, 1);
}

function packStrides(extents: readonly number[], dims: readonly number[], width: number): number[] {
  const strides = extents.map(() => 0);
  let step = width;
  for (const d of [...dims].reverse()) {
    strides[d] = step;
    step *= extents[d];
  }
  return strides;
}

/** A pointer to an operand's element at lane 0, and whether it is there. */
export interface Pointer {
  readonly at: Local;
}

/** Code that finds and loads operands for lanes along one dimension. */
export class OperandAccess {
  readonly addresses: Addresses;
  readonly parameters: Parameters;
  private readonly extras: (extra: number) => Local;

  constructor(
    private readonly fn: FunctionBuilder,
    private readonly shape: KernelShape,
    private readonly lane: number,
    private readonly lanes: readonly (LaneOperand | undefined)[],
    private readonly code: LaneCode,
    extraCount: number,
  ) {
    const { operation, operands, accumulator } = shape;
    this.addresses = new Addresses(fn, domainBox(operation));
    this.parameters = readParameters(fn, operation.domain.length);
    const bases = [...operands, accumulator].flatMap((operand) => (operand?.kind === 'view' ? [operand.parameter] : []));
    for (const parameter of bases) this.parameters.base(parameter);
    const first = bases.length === 0 ? 0 : Math.max(...bases) + 1;
    const extras = Array.from({ length: extraCount }, (_, extra) => this.parameters.base(first + extra));
    this.extras = (extra) => extras[extra];
  }

  /** What the kernel has put into the descriptor of its own. */
  extra(k: number): Local {
    return this.extras(k);
  }

  /** An address, or what stands for it outside the tensor, where a table has no entry that could be looked up. */
  either(inside: Expression, address: Expression, instead: Expression, view: View): Expression {
    const { m } = this.fn;
    return view.table.length === 0 ? m.select(inside, address, instead) : m.if(inside, address, instead);
  }

  /** Where an operand's element at lane coordinate 0 lies; outside the tensor, the vector that stands for it. */
  pointer(k: number, point: Point, lookup: Point = point): Pointer {
    const { fn, shape, parameters, addresses } = this;
    const { m, wasm } = fn;
    const operand = shape.operands[k];
    const lanes = this.lanes[k];
    if (operand?.kind !== 'view' || !lanes) return { at: () => m.i32.const(0) };
    const { map } = shape.operation.operands[k];
    if (lanes.packed) {
      const base = this.extras(lanes.packed.extra);
      const terms = lanes.packed.strides.flatMap((stride, d) => {
        const at = point[d];
        return stride === 0 || d === this.lane || !at ? [] : [addresses.times(at(), stride)];
      });
      return { at: fn.keep(wasm.i32, addresses.sum([base(), ...terms])) };
    }
    const inside = lanes.outside === undefined ? undefined : addresses.inside(map, shape.shapes[k], point);
    const address = addresses.address(map, operand.view, parameters.base(operand.parameter), point, lookup);
    if (!inside || lanes.outside === undefined) return { at: fn.keep(wasm.i32, address) };
    const instead = this.extras(lanes.outside);
    return { at: fn.keep(wasm.i32, this.either(inside, address, instead(), operand.view)) };
  }

  /** Four elements from lane coordinate `v` on, `offset` bytes further. */
  load(k: number, pointer: Pointer | undefined, v: Local, offset = 0): Lanes {
    const { shape, code, addresses } = this;
    const { m, wasm } = this.fn;
    const operand = shape.operands[k];
    if (operand?.kind === 'splat') return code.constant(operand.value);
    const lanes = this.lanes[k];
    // An operand that this task does not touch lies outside its tensor everywhere.
    if (!operand || !lanes || !pointer) return code.constant(shape.operation.operands[k].outside ?? 0);
    if (lanes.stride === 0) return code.splat(lanes.dtype, pointer.at(), offset);
    const address = (): Expression => m.i32.add(pointer.at(), addresses.times(v(), lanes.stride));
    if (lanes.stride === ELEMENT_BYTES[lanes.dtype]) return code.load(lanes.dtype, address(), offset);
    const from = offset === 0 ? address() : m.i32.add(address(), m.i32.const(offset));
    return code.gather(lanes.dtype, this.fn.keep(wasm.i32, from), lanes.stride);
  }

  /** Four elements from lane coordinate `v` on; what lies outside `[lo, hi)` may not be read, a neighbour stands for it. */
  loadPart(k: number, pointer: Pointer | undefined, v: Local, lo: Local, hi: Local): Lanes {
    const { m, wasm } = this.fn;
    const lanes = this.lanes[k];
    if (this.shape.operands[k]?.kind !== 'view' || !lanes || !pointer || lanes.stride === 0) return this.load(k, pointer, v);
    const last = this.fn.keep(wasm.i32, m.i32.sub(hi(), m.i32.const(1)));
    return this.code.gatherAt(lanes.dtype, (lane) => {
      const at = this.fn.keep(wasm.i32, m.i32.add(v(), m.i32.const(lane)));
      const above = this.fn.keep(wasm.i32, m.select(m.i32.lt_s(at(), lo()), lo(), at()));
      const clamped = m.select(m.i32.gt_s(above(), last()), last(), above());
      return m.i32.add(pointer.at(), this.addresses.times(clamped, lanes.stride));
    });
  }
}
