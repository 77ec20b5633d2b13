import { type Box, type DType, dimensionsOf, ELEMENT_BYTES, type Expr } from '@regrain/core-ir';
import { operandsIn } from '../generic.js';
import type { KernelShape, SelectContext } from '../kernel.js';
import { hasLanes } from '../lanes/lanes.js';
import { coefficient, commonDivisor, constantOf, type LaneOperand, laneBlock, laneOperand, laneStride, leaves } from '../operand-access.js';
import { productOf } from '../product.js';
import { reductionOrder } from '../reduction-order.js';
import { type Panel, panelOf } from './panel.js';

/** A sum of products of an operand in memory and constant weights: convolutions and dense layers. */
export interface Contraction {
  /** The operand in memory and the constant one. */
  readonly a: number;
  readonly b: number;
  /** What is subtracted from each before they are multiplied. */
  readonly zeroA: number;
  readonly zeroB: number;
  /** Parallel dimension of the weights' outputs, along which lanes lie. */
  readonly n: number;
  /** Reduction dimension along which operand a is linear: the innermost loop; of floats always the last of `reductionOrder`. */
  readonly r: number;
  /** Bytes from one element of a to the next along r. */
  readonly strideR: number;
  /** Terms of the innermost loop that lie in one block; absent: all. */
  readonly block?: number;
  /** The other reduction dimensions, in order. */
  readonly taps: readonly number[];
  /** The other parallel dimensions, outermost first; tiles lie along the last. */
  readonly pixels: readonly number[];
  /** Pixel dimensions of which the weights depend on the remainder (transposed convolutions), outermost first, with the divisor. */
  readonly phases: readonly { readonly d: number; readonly by: number }[];
  /**
   * Taps that only some remainders have (a transposed convolution whose stride does not divide its window): dimension, and of the
   * window's extent those at `remainder + by × tap`.
   */
  readonly partial: readonly { readonly d: number; readonly phase: number; readonly by: number; readonly extent: number }[];
  readonly integer: boolean;
  /** One point: its few sums wait for each other longer where they are fused with their products. */
  readonly alone: boolean;
  /** Every panel of the task is full. */
  readonly full: boolean;
  readonly panel: Panel;
  /** Terms per step of the innermost loop; integers go in pairs. */
  readonly step: number;
  readonly lanes: readonly (LaneOperand | undefined)[];
  /** Bytes of a from one point of a tile to the next, where they are the same everywhere. */
  readonly shared?: number;
  /**
   * The last tap, where its elements follow each other as the terms do: one loop for both. Points `[first, end)` of the tile dimension read
   * nothing outside the tensor along it.
   */
  readonly joined?: {
    readonly d: number;
    /** Bytes from one term to the next. */
    readonly stride: number;
    readonly tensorDimension: number;
    readonly first: number;
    readonly end: number;
  };
  /** The written operand. */
  readonly write: number;
}

/** What its kernel finds in a task's descriptor, as extra parameters: the weights, and what stands for padding. */
export interface ContractionExtras {
  readonly weights: number;
  readonly outside?: number;
  readonly extras: number;
}

/**
 * How a task is a sum of products, or undefined where it is none that kernels can compute; what its operands need in memory is put there, the
 * addresses added to `extra`. `widest`: outputs per panel at most.
 */
export function contractionOf(
  shape: KernelShape,
  context: SelectContext,
  box: Box,
  extra: number[],
  widest: Panel = 8,
): Contraction | undefined {
  const { operation, operands, phase, accumulator } = shape;
  const { body, domain } = operation;
  if (!body || phase !== 'whole' || accumulator || body.init !== 0) return undefined;
  const product = productOf(body.step);
  if (!product) return undefined;
  const { program } = context;
  const constant = (k: number): boolean => program.tensors[operation.operands[k].tensor].kind === 'constant';
  const [a, b, zeroA, zeroB] = constant(product.right)
    ? [product.left, product.right, product.zeroLeft, product.zeroRight]
    : [product.right, product.left, product.zeroRight, product.zeroLeft];
  if (!constant(b) || constant(a)) return undefined;
  const left = operands[a];
  if (left?.kind !== 'view' || !operands.every((operand) => operand?.kind !== 'view' || hasLanes(operand.view.dtype))) return undefined;
  const integer = body.acc === 'int32';
  if (!integer && (body.acc !== 'float32' || left.view.dtype !== 'float32' || zeroA !== 0 || zeroB !== 0)) return undefined;
  if (integer && !BYTES.has(left.view.dtype)) return undefined;
  const weightType = program.tensors[operation.operands[b].tensor].dtype;
  if (integer && !BYTES.has(weightType)) return undefined;
  const write = operation.operands.findIndex(({ mode }) => mode !== 'read');

  const used = (k: number): Set<number> => {
    const dims = new Set<number>();
    for (const range of operation.operands[k].map) if (range !== 'all') dimensionsOf(range.at, dims);
    return dims;
  };
  const [usedA, usedB] = [used(a), used(b)];
  if (operation.operands[b].map.includes('all') || operation.operands[a].map.includes('all')) return undefined;
  const outsideB = operation.operands[b].outside;
  if (outsideB !== undefined && (outsideB !== 0 || integer)) return undefined;
  const parallel = domain.flatMap(({ kind }, d) => (kind === 'reduction' ? [] : [d]));
  const phases = parallel.flatMap((d) => {
    const by = usedB.has(d) ? remainder(operation.operands[b].map, d) : undefined;
    return by === undefined ? [] : [{ d, by }];
  });
  const n = parallel.filter((d) => usedB.has(d) && !phases.some((phase) => phase.d === d));
  if (n.length !== 1) return undefined;
  const [lane] = n;
  if (usedA.has(lane) && !grouped(shape, a, lane)) return undefined;
  const between = laneStride(shape, write, lane);
  if (between === undefined || (between === 0 && domain[lane].extent > 1)) return undefined;

  const order = reductionOrder(operation);
  const width = ELEMENT_BYTES[left.view.dtype];
  const inner = (integer ? order : order.slice(-1))
    .filter((d) => (usedA.has(d) || domain[d].extent === 1) && !leavesAlong(shape, a, d))
    .map((d) => ({ d, stride: laneStride(shape, a, d) }))
    .filter(
      ({ d, stride }) =>
        stride !== undefined && (stride > 0 || domain[d].extent === 1) && (!integer || stride === width || domain[d].extent === 1),
    )
    .sort(
      (x, y) =>
        Number(domain[x.d].extent === 1) - Number(domain[y.d].extent === 1) ||
        (x.stride as number) - (y.stride as number) ||
        domain[y.d].extent - domain[x.d].extent,
    )[0];
  if (!inner) return undefined;
  const r = inner.d;
  const block = blockOfTerms(shape, a, r, integer ? 8 : 1);
  if (block === 0) return undefined;
  const finish = operandsIn(body.finish);
  for (const k of finish) {
    if (operands[k]?.kind === 'view' && !constant(k) && laneStride(shape, k, lane) === undefined) return undefined;
  }
  const blocks = [...finish, write].map((k) => laneBlock(shape, k, lane) ?? 0);
  const others = parallel.filter((d) => d !== lane);
  // Tiles lie along the parallel dimension that is the innermost in the written tensor, next to the lanes.
  const along = others.reduce<number | undefined>(
    (best, d) => (best === undefined || tileScore(shape, write, d) < tileScore(shape, write, best) ? d : best),
    undefined,
  );
  const [lo, hi] = box[lane];
  const { extent: outputs } = domain[lane];
  const points = along === undefined ? 1 : domain[along].extent;
  const terms = order.reduce((product, d) => product * domain[d].extent, 1);
  const panel = panelOf(outputs, box[lane], points, terms, blocks, integer || phases.length > 0 || usedA.has(lane) ? 8 : widest);
  if (blocks.some((each) => each % panel !== 0)) return undefined;
  // Vectors behind the last output are left out.
  const full = lo % panel === 0 && (hi % panel === 0 || (hi === outputs && outputs % 4 === 0));
  if (usedA.has(lane) && !full) return undefined;
  const taps = order.filter((d) => d !== r);
  const step = integer ? (domain[r].extent <= 4 ? 4 : 8) : 1;
  const lanes = operands.map((_, k) => (k === write || finish.has(k) ? laneOperand(shape, context, k, lane, extra) : undefined));
  const pixels = [...others.filter((d) => d !== along), ...(along === undefined ? [] : [along])];
  const everyPhase = phases.find(({ d }) => d === along)?.by;
  const shared = along === undefined || laneBlock(shape, a, along) !== undefined ? undefined : strideBetween(shape, a, along, everyPhase);
  const partial = phases.flatMap(({ d: phase, by }) => {
    const t = operation.operands[b].map.findIndex((range) => range !== 'all' && dimensionsOf(range.at).has(phase));
    const range = operation.operands[b].map[t];
    if (range === 'all' || constantOf(range.at) !== 0) return [];
    const own = taps.filter((d) => dimensionsOf(range.at).has(d));
    const [d] = own;
    if (own.length !== 1 || coefficient(range.at, d) !== by || dimensionsOf(range.at).size !== 2) return [];
    const extent = shape.shapes[b][t];
    return extent < by * domain[d].extent ? [{ d, phase, by, extent }] : [];
  });
  const joined =
    shared === undefined || everyPhase !== undefined || along === undefined || block !== undefined || domain[r].extent % step !== 0
      ? undefined
      : joinedTap(
          shape,
          a,
          taps,
          along,
          domain[r].extent === 1 ? undefined : domain[r].extent * (inner.stride as number),
          domain[r].extent,
        );
  return {
    a,
    b,
    zeroA,
    zeroB,
    n: lane,
    r,
    strideR: inner.stride as number,
    ...(block === undefined ? {} : { block }),
    taps,
    phases,
    partial,
    pixels,
    integer,
    alone: others.every((d) => domain[d].extent === 1),
    full,
    panel,
    step,
    lanes,
    ...(shared === undefined ? {} : { shared }),
    ...(joined === undefined ? {} : { joined }),
    write,
  };
}

/** The divisor where a map depends on a dimension only by its remainder. */
function remainder(map: KernelShape['operation']['operands'][number]['map'], d: number): number | undefined {
  const found = new Set<number>();
  const visit = (expr: Expr): boolean => {
    if (typeof expr === 'number') return true;
    if ('d' in expr) return expr.d !== d;
    if (expr[0] === 'mod' && typeof expr[1] === 'object' && 'd' in expr[1] && expr[1].d === d) {
      found.add(expr[2]);
      return true;
    }
    return visit(expr[1]) && (expr[0] !== '+' || visit(expr[2]));
  };
  const only = map.every((range) => range === 'all' || visit(range.at));
  return only && found.size === 1 ? [...found][0] : undefined;
}

/** Bytes of operand a from one point to the next along a dimension; with `by`, to the next of the same remainder, where it counts `div by`. */
function strideBetween(shape: KernelShape, a: number, along: number, by: number | undefined): number | undefined {
  if (by === undefined) return laneStride(shape, a, along);
  const operand = shape.operands[a];
  if (operand?.kind !== 'view') return undefined;
  const { strides, table } = operand.view;
  let sum = 0;
  for (const [t, range] of shape.operation.operands[a].map.entries()) {
    if (range === 'all') return undefined;
    if (!dimensionsOf(range.at).has(along)) continue;
    const steps = stepsPer(range.at, along, by);
    if (steps === undefined || table.some(({ dimension }) => dimension === t)) return undefined;
    sum += steps * strides[t];
  }
  return sum;
}

/** How much an expression grows when a dimension grows by `by`; undefined where that is not the same everywhere. */
function stepsPer(expr: Expr, d: number, by: number): number | undefined {
  if (typeof expr === 'number' || !dimensionsOf(expr).has(d)) return 0;
  if ('d' in expr) return by;
  if (expr[0] === '+') {
    const [one, other] = [stepsPer(expr[1], d, by), stepsPer(expr[2], d, by)];
    return one === undefined || other === undefined ? undefined : one + other;
  }
  const inner = stepsPer(expr[1], d, by);
  if (inner === undefined) return undefined;
  if (expr[0] === '*') return inner * expr[2];
  return expr[0] === 'div' && inner % expr[2] === 0 ? inner / expr[2] : undefined;
}

/** Blocks of the innermost loop; undefined where it runs through, 0 where blocks are too small or do not divide it. */
function blockOfTerms(shape: KernelShape, a: number, r: number, multiple: number): number | undefined {
  const found = laneBlock(shape, a, r);
  if (found === undefined) return undefined;
  const block = commonDivisor(found, shape.operation.domain[r].extent);
  return block >= 4 && block % multiple === 0 ? block : 0;
}

const BYTES: ReadonlySet<DType> = new Set(['int8', 'uint8']);

/** Whether operand k depends on the lane only by `lane div g` with g a multiple of 8: a grouped convolution. */
function grouped({ operation }: KernelShape, k: number, lane: number): boolean {
  const ok = (expr: Expr): boolean => {
    if (typeof expr === 'number') return true;
    if ('d' in expr) return expr.d !== lane;
    if (expr[0] === 'div' && dimensionsOf(expr[1]).has(lane)) {
      return typeof expr[1] === 'object' && 'd' in expr[1] && expr[2] % 8 === 0;
    }
    return ok(expr[1]) && (expr[0] !== '+' || ok(expr[2]));
  };
  return operation.operands[k].map.every((range) => range === 'all' || ok(range.at));
}

/** Whether an operand can leave its tensor along a tensor dimension that depends on d. */
export function leavesAlong(shape: KernelShape, k: number, d: number): boolean {
  const { operation, shapes } = shape;
  return operation.operands[k].map.some(
    (range, t) =>
      range !== 'all' &&
      dimensionsOf(range.at).has(d) &&
      leaves(
        {
          ...shape,
          operation: { ...operation, operands: operation.operands.map((each, i) => (i === k ? { ...each, map: [range] } : each)) },
          shapes: shapes.map((each, i) => (i === k ? [each[t]] : each)),
        },
        k,
      ),
  );
}

/** The innermost tap (a kernel's columns) if its neighbours are `bytes` apart, as many as the terms of the innermost loop take (absent: one term). */
function joinedTap(
  shape: KernelShape,
  a: number,
  taps: readonly number[],
  along: number,
  bytes: number | undefined,
  terms: number,
): Contraction['joined'] {
  const { domain, operands } = shape.operation;
  const d = taps.findLast((tap) => domain[tap].extent > 1);
  if (d === undefined || laneBlock(shape, a, d) !== undefined) return undefined;
  const between = laneStride(shape, a, d) ?? 0;
  if (between <= 0 || (bytes !== undefined && between !== bytes)) return undefined;
  const { map } = operands[a];
  const uses = (t: number, dimension: number): boolean => {
    const range = map[t];
    return range !== 'all' && dimensionsOf(range.at).has(dimension);
  };
  const tensorDimension = map.findIndex((_, t) => uses(t, d));
  const range = map[tensorDimension];
  if (range === 'all' || map.some((_, t) => t !== tensorDimension && (uses(t, d) || uses(t, along)))) return undefined;
  if (domain.some((_, other) => other !== d && other !== along && uses(tensorDimension, other))) return undefined;
  const [stride, dilation] = [coefficient(range.at, along) ?? 0, coefficient(range.at, d) ?? 0];
  if (stride < 1 || dilation < 1) return undefined;
  const start = constantOf(range.at);
  const last = shape.shapes[a][tensorDimension] - 1 - dilation * (domain[d].extent - 1) - start;
  return {
    d,
    stride: bytes === undefined ? between : between / terms,
    tensorDimension,
    first: Math.max(0, Math.ceil(-start / stride)),
    end: Math.min(domain[along].extent, Math.floor(last / stride) + 1),
  };
}

/** Small where the dimension is long and near in the written tensor. */
function tileScore(shape: KernelShape, write: number, d: number): number {
  const stride = laneStride(shape, write, d);
  return shape.operation.domain[d].extent === 1 ? Number.POSITIVE_INFINITY : (stride ?? 2 ** 40);
}

/** Bytes of weights of one panel and one remainder of each phase. */
export function phaseBytes({ taps, r, step, panel, integer }: Contraction, domain: KernelShape['operation']['domain']): number {
  const count = taps.reduce((product, d) => product * domain[d].extent, 1);
  return count * Math.ceil(domain[r].extent / step) * step * panel * (integer ? 2 : 4);
}
