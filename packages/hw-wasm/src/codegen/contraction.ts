import { type Box, type DType, dimensionsOf, ELEMENT_BYTES, type Expr, type Values } from '@regrain/core-ir';
import { elementAt } from '../layout/packing.js';
import type { Expression, FunctionBuilder, Local } from './function-builder.js';
import { operandsIn } from './generic.js';
import type { Imports } from './imports.js';
import { type KernelShape, keyOf, type SelectContext, type Selected } from './kernel.js';
import { hasLanes, LaneCode, type Lanes } from './lanes.js';
import {
  coefficient,
  commonDivisor,
  constantOf,
  type LaneOperand,
  laneBlock,
  laneOperand,
  laneStride,
  leaves,
  OperandAccess,
  outsideVector,
  type Pointer,
} from './operand-access.js';
import { productOf } from './product.js';

/** Points of the tile dimension that are computed together; 4 × 8 sums fill the registers. */
const TILE = 4;

/** A sum of products of an operand in memory and constant weights: convolutions and dense layers. */
interface Contraction {
  /** The operand in memory and the constant one. */
  readonly a: number;
  readonly b: number;
  /** What is subtracted from each before they are multiplied. */
  readonly zeroA: number;
  readonly zeroB: number;
  /** Parallel dimension of the weights' outputs, along which lanes lie. */
  readonly n: number;
  /** Reduction dimension along which operand a is linear: the innermost loop. */
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
  readonly integer: boolean;
  /** Every panel of the task is full. */
  readonly full: boolean;
  /** Outputs per panel of weights: 4 or 8. */
  readonly panel: 4 | 8;
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
  /** Extra parameters: the weights, and what stands for padding. */
  readonly weights: number;
  readonly outside?: number;
  readonly extras: number;
}

export function selectContraction(shape: KernelShape, context: SelectContext, box: Box): Selected | undefined {
  const { operation, operands, phase, accumulator } = shape;
  const { body, domain } = operation;
  if (!body || phase !== 'whole' || accumulator || body.init !== 0) return undefined;
  const product = productOf(body.step);
  if (!product) return undefined;
  const { program, segment } = context;
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
  const panel = domain[lane].extent <= 4 ? 4 : 8;
  if (box[lane][0] % panel !== 0) return undefined;
  if (usedA.has(lane) && box[lane][1] % panel !== 0) return undefined;

  const reduced = domain.flatMap(({ kind }, d) => (kind === 'reduction' ? [d] : []));
  const width = ELEMENT_BYTES[left.view.dtype];
  const inner = reduced
    .filter((d) => usedA.has(d) && !leavesAlong(shape, a, d))
    .map((d) => ({ d, stride: laneStride(shape, a, d) }))
    .filter(
      ({ d, stride }) =>
        stride !== undefined && (stride > 0 || domain[d].extent === 1) && (!integer || stride === width || domain[d].extent === 1),
    )
    .sort((x, y) => (x.stride as number) - (y.stride as number) || domain[y.d].extent - domain[x.d].extent)[0];
  if (!inner) return undefined;
  const r = inner.d;
  const block = blockOfTerms(shape, a, r, integer ? 8 : 1);
  if (block === 0) return undefined;
  const finish = operandsIn(body.finish);
  for (const k of finish) {
    if (operands[k]?.kind === 'view' && !constant(k) && laneStride(shape, k, lane) === undefined) return undefined;
  }
  for (const k of [...finish, write]) if ((laneBlock(shape, k, lane) ?? 0) % panel !== 0) return undefined;
  const taps = reduced.filter((d) => d !== r);
  const step = integer ? (domain[r].extent <= 4 ? 4 : 8) : 1;
  const extra: number[] = [];
  const lanes = operands.map((_, k) => (k === write || finish.has(k) ? laneOperand(shape, context, k, lane, extra) : undefined));
  const extents = domain.map(({ extent }) => extent);
  const plan = { b, zeroA, zeroB, n: lane, r, taps, phases, panel, step, integer } as const;
  const key = `weights ${operation.operands[b].tensor} ${JSON.stringify([operation.operands[b].map, extents, plan])}`;
  extra.push(
    segment.once(key, () =>
      segment.put(packWeights(context.valuesOf(operation.operands[b].tensor), operation.operands[b].map, extents, plan)),
    ),
  );
  const weights = extra.length - 1;
  // Tiles lie along the parallel dimension that is the innermost in the written tensor, next to the lanes.
  const others = parallel.filter((d) => d !== lane);
  const along = others.reduce<number | undefined>(
    (best, d) => (best === undefined || tileScore(shape, write, d) < tileScore(shape, write, best) ? d : best),
    undefined,
  );
  const pixels = [...others.filter((d) => d !== along), ...(along === undefined ? [] : [along])];
  const regular = along !== undefined && laneBlock(shape, a, along) === undefined && !phases.some(({ d }) => d === along);
  const shared = regular ? laneStride(shape, a, along) : undefined;
  const joined =
    shared === undefined || along === undefined || block !== undefined || domain[r].extent % step !== 0
      ? undefined
      : joinedTap(
          shape,
          a,
          taps,
          along,
          domain[r].extent === 1 ? undefined : domain[r].extent * (inner.stride as number),
          domain[r].extent,
        );
  let outside: number | undefined;
  if (operation.operands[a].outside !== undefined && leaves(shape, a)) {
    const row = joined ? domain[joined.d].extent * domain[r].extent * joined.stride : domain[r].extent * (inner.stride as number);
    const bytes = row + (TILE - 1) * (shared ?? 0) + 16;
    outside = extra.push(outsideVector(context, left.view.dtype, operation.operands[a].outside ?? 0, bytes)) - 1;
  }
  const contraction: Contraction = {
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
    pixels,
    integer,
    full: box[lane][1] % panel === 0,
    panel,
    step,
    lanes,
    weights,
    ...(shared === undefined ? {} : { shared }),
    ...(joined === undefined ? {} : { joined }),
    ...(outside === undefined ? {} : { outside }),
    extras: extra.length,
  };
  return {
    kind: 'contraction',
    key: `contraction ${JSON.stringify(contraction)} ${keyOf(shape)}`,
    write: (fn, imports) => new ContractionKernel(shape, contraction, write, fn, imports).write(),
    extra,
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
function leavesAlong(shape: KernelShape, k: number, d: number): boolean {
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

interface Packing {
  readonly n: number;
  readonly r: number;
  readonly taps: readonly number[];
  readonly phases: Contraction['phases'];
  readonly panel: number;
  readonly step: number;
  readonly integer: boolean;
  readonly zeroA: number;
  readonly zeroB: number;
}

/**
 * Per panel: for integers, per output −zero × Σ weights (32 bits); then per tap and term a row of the panel's weights: floats, or
 * 16-bit pairs of terms. What is added to fill panels and steps is 0.
 */
function packWeights(values: Values, map: Parameters<typeof elementAt>[1], extents: readonly number[], plan: Packing): Uint8Array {
  const { n, r, panel, step, integer, zeroA, zeroB } = plan;
  const panels = Math.ceil(extents[n] / panel);
  const terms = Math.ceil(extents[r] / step) * step;
  // Each remainder has weights of its own, which come before the taps.
  const taps = [...plan.phases.map(({ d, by }) => ({ d, extent: by })), ...plan.taps.map((d) => ({ d, extent: extents[d] }))];
  const count = taps.reduce((product, { extent }) => product * extent, 1);
  const point = extents.map(() => 0);
  const each = (p: number, visit: (tap: number, term: number, output: number, weight: number) => void): void => {
    const walk = (level: number, tap: number): void => {
      if (level < taps.length) {
        const { d, extent } = taps[level];
        for (let x = 0; x < extent; x++) {
          point[d] = x;
          walk(level + 1, tap * extent + x);
        }
        return;
      }
      for (let k = 0; k < extents[r]; k++) {
        point[r] = k;
        for (let output = 0; output < panel && p * panel + output < extents[n]; output++) {
          point[n] = p * panel + output;
          visit(tap, k, output, elementAt(values, map, point) - zeroB);
        }
      }
    };
    walk(0, 0);
  };
  if (!integer) {
    const data = new Float32Array(panels * count * terms * panel);
    for (let p = 0; p < panels; p++)
      each(p, (tap, k, output, weight) => void (data[((p * count + tap) * terms + k) * panel + output] = weight));
    return new Uint8Array(data.buffer);
  }
  const panelBytes = panel * 4 + count * terms * panel * 2;
  const bytes = new Uint8Array(panels * panelBytes);
  for (let p = 0; p < panels; p++) {
    const corrections = new Int32Array(bytes.buffer, p * panelBytes, panel);
    const rows = new Int16Array(bytes.buffer, p * panelBytes + panel * 4, count * terms * panel);
    each(p, (tap, k, output, weight) => {
      corrections[output] -= zeroA * weight;
      rows[(tap * terms + (k & ~1)) * panel + output * 2 + (k & 1)] = weight;
    });
  }
  return bytes;
}

class ContractionKernel {
  private readonly code: LaneCode;
  private readonly access: OperandAccess;
  private readonly point: (Local | undefined)[];

  constructor(
    private readonly shape: KernelShape,
    private readonly plan: Contraction,
    private readonly target: number,
    private readonly fn: FunctionBuilder,
    imports: Imports,
  ) {
    const { operation, operands } = shape;
    const written = operands[target];
    this.code = new LaneCode(fn, imports, plan.integer || !(written?.kind === 'view' && written.view.dtype === 'float32'));
    this.code.smallOperands = new Set(
      operands.flatMap((operand, k) => (operand?.kind === 'view' && ELEMENT_BYTES[operand.view.dtype] <= 2 ? [k] : [])),
    );
    this.access = new OperandAccess(fn, shape, plan.n, plan.lanes, this.code, plan.extras);
    this.point = operation.domain.map(() => undefined);
  }

  write(): void {
    const { fn, plan, access, point } = this;
    const { m, wasm } = fn;
    const { lo, hi } = access.parameters;
    const weights = access.extra(plan.weights);
    const panelBytes = this.panelBytes();
    fn.loop(lo[plan.n](), hi[plan.n], plan.panel, (n) => {
      point[plan.n] = n;
      const index = m.i32.shr_u(n(), m.i32.const(plan.panel === 8 ? 3 : 2));
      const panel = fn.keep(wasm.i32, m.i32.add(weights(), m.i32.mul(index, m.i32.const(panelBytes))));
      const outer = plan.pixels.slice(0, -1);
      this.nest(outer, () => this.tiles(n, panel));
    });
  }

  /** Weights of one panel and one remainder of each phase. */
  private phaseBytes(): number {
    const { plan, shape } = this;
    const extents = shape.operation.domain.map(({ extent }) => extent);
    const count = plan.taps.reduce((product, d) => product * extents[d], 1);
    const terms = Math.ceil(extents[plan.r] / plan.step) * plan.step;
    return count * terms * plan.panel * (plan.integer ? 2 : 4);
  }

  private panelBytes(): number {
    const { plan } = this;
    const phases = plan.phases.reduce((product, { by }) => product * by, 1);
    return phases * this.phaseBytes() + (plan.integer ? plan.panel * 4 : 0);
  }

  /** Where the weights of the point's remainders begin, behind those of a panel. */
  private phaseOffset(): Expression | undefined {
    const { plan, point, fn } = this;
    const { m } = fn;
    let step = this.phaseBytes();
    const parts: Expression[] = [];
    for (const { d, by } of [...plan.phases].reverse()) {
      const at = point[d];
      if (at) parts.push(m.i32.mul(m.i32.rem_u(at(), m.i32.const(by)), m.i32.const(step)));
      step *= by;
    }
    return parts.length === 0 ? undefined : this.access.addresses.sum(parts);
  }

  private nest(dims: readonly number[], inner: () => void): void {
    if (dims.length === 0) {
      inner();
      return;
    }
    const [d, ...rest] = dims;
    const { lo, hi } = this.access.parameters;
    this.fn.loop(lo[d](), hi[d], 1, (i) => {
      this.point[d] = i;
      this.nest(rest, inner);
      this.point[d] = undefined;
    });
  }

  /** The last pixel dimension, by tiles and then one by one. */
  private tiles(n: Local, panel: Local): void {
    const { fn, plan, access } = this;
    const { m, wasm } = fn;
    const along = plan.pixels.at(-1);
    if (along === undefined) {
      this.tile([], n, panel);
      return;
    }
    const { lo, hi } = access.parameters;
    const { extent } = this.shape.operation.domain[along];
    const by = plan.phases.find(({ d }) => d === along)?.by ?? 1;
    const [x, assign] = fn.variable(wasm.i32);
    const at = (k: number): Local => (k === 0 ? x : () => m.i32.add(x(), m.i32.const(k * by)));
    const tiles = (): void => {
      if (extent >= TILE * by) {
        const tile = Array.from({ length: TILE }, (_, k) => at(k));
        fn.loopOn(
          x,
          assign,
          () => m.i32.sub(hi[along](), m.i32.const((TILE - 1) * by)),
          TILE * by,
          () => this.tile(tile, n, panel),
        );
      }
      fn.loopOn(x, assign, hi[along], by, () => this.tile([x], n, panel));
    };
    if (by === 1) {
      assign(lo[along]());
      tiles();
      return;
    }
    // Points of one remainder have the same weights.
    fn.loop(
      m.i32.const(0),
      () => m.i32.const(by),
      1,
      (phase) => {
        assign(m.i32.add(lo[along](), phase()));
        tiles();
      },
    );
  }

  /** One panel of outputs at some points of the tile dimension (none: there is no such dimension). */
  private tile(points: readonly Local[], n: Local, panel: Local): void {
    const { fn, plan, access, point, shape } = this;
    const { m, wasm } = fn;
    const { operation } = shape;
    const along = plan.pixels.at(-1);
    const groups = plan.panel / 4;
    const at = points.length === 0 ? [undefined] : points;
    const vector = (): readonly [Local, (value: Expression) => void] => fn.variable(wasm.v128);
    const [w, setW] = fn.variable(wasm.i32);
    const sums = at.map(() => Array.from({ length: groups }, vector));
    for (const sum of sums) {
      sum.forEach(([, set], g) => {
        set(plan.integer ? m.v128.load(16 * g, 4, panel()) : m.f32x4.splat(m.f32.const(0)));
      });
    }
    if (along !== undefined && at[0]) point[along] = at[0];
    const phase = this.phaseOffset();
    const start = plan.integer ? m.i32.add(panel(), m.i32.const(4 * plan.panel)) : panel();
    setW(phase === undefined ? start : m.i32.add(start, phase));
    const left = shape.operands[plan.a];
    if (left?.kind !== 'view') return;
    const { map } = operation.operands[plan.a];
    const base = access.parameters.base(left.parameter);
    const taps = (dims: readonly number[]): void => {
      if (dims.length > 0) {
        const [d, ...rest] = dims;
        this.tapLoop(d, () => taps(rest));
        return;
      }
      const { block } = plan;
      if (block === undefined) terms(operation.domain[plan.r].extent);
      else {
        fn.loop(
          m.i32.const(0),
          () => m.i32.const(operation.domain[plan.r].extent),
          block,
          (k) => {
            point[plan.r] = k;
            terms(block);
          },
        );
        point[plan.r] = undefined;
      }
    };
    const terms = (count: number): void => {
      const inside = at.map((x) => {
        if (along !== undefined && x) point[along] = x;
        const found = plan.outside === undefined ? undefined : access.addresses.inside(map, shape.shapes[plan.a], point);
        return found && fn.keep(wasm.i32, found);
      });
      const addressOf = (i: number): Expression => {
        const x = at[i];
        if (along !== undefined && x) point[along] = x;
        return access.addresses.address(map, left.view, base, point);
      };
      const pointerTo = (i: number): Local => {
        const within = inside[i];
        const elsewhere = plan.outside === undefined ? undefined : access.extra(plan.outside);
        const address = addressOf(i);
        return fn.keep(wasm.i32, within && elsewhere ? access.either(within(), address, elsewhere(), left.view) : address);
      };
      const sum = (pointers: readonly Local[], offset: number): void => {
        if (plan.integer) this.integerTerms(left.view.dtype, count, pointers, offset, sums, w, setW);
        else this.floatTerms(count, pointers, offset, sums, w, setW, plan.strideR);
      };
      const each = (): void =>
        sum(
          at.map((_, i) => pointerTo(i)),
          0,
        );
      const { shared } = plan;
      const [first, last] = [inside[0], inside.at(-1)];
      if (at.length === 1 || shared === undefined) each();
      else if (!first || !last || !leavesAlong(shape, plan.a, along as number)) sum([pointerTo(0)], shared);
      else fn.when(m.i32.and(first(), last()), () => sum([fn.keep(wasm.i32, addressOf(0))], shared), each);
    };
    const { joined } = plan;
    if (!joined || along === undefined || points.length === 0) taps(plan.taps);
    else {
      // All columns of all points inside: one loop for terms and columns.
      const rows = map.map((range, t) => (t === joined.tensorDimension ? { at: 0 } : range));
      const whole = (dims: readonly number[]): void => {
        if (dims.length > 0) {
          this.tapLoop(dims[0], () => whole(dims.slice(1)));
          return;
        }
        point[joined.d] = undefined;
        point[along] = points[0];
        const address = access.addresses.address(map, left.view, base, point);
        const within = plan.outside === undefined ? undefined : access.addresses.inside(rows, shape.shapes[plan.a], point);
        const elsewhere = plan.outside === undefined ? undefined : access.extra(plan.outside);
        const start = fn.keep(wasm.i32, within && elsewhere ? access.either(within, address, elsewhere(), left.view) : address);
        const count = operation.domain[plan.r].extent * operation.domain[joined.d].extent;
        if (plan.integer) this.integerTerms(left.view.dtype, count, [start], plan.shared ?? 0, sums, w, setW);
        else this.floatTerms(count, [start], plan.shared ?? 0, sums, w, setW, joined.stride);
      };
      const first = points[0];
      const last = points[points.length - 1];
      const { extent } = operation.domain[along];
      const tests = [
        ...(joined.first > 0 ? [m.i32.ge_s(first(), m.i32.const(joined.first))] : []),
        ...(joined.end < extent ? [m.i32.lt_s(last(), m.i32.const(joined.end))] : []),
      ];
      const all = (): void => whole(plan.taps.filter((d) => d !== joined.d));
      if (tests.length === 0) all();
      else
        fn.when(
          tests.reduce((one, other) => m.i32.and(one, other)),
          all,
          () => taps(plan.taps),
        );
    }
    at.forEach((x, i) => {
      if (along !== undefined && x) point[along] = x;
      this.finish(
        n,
        sums[i].map(([sum]) => sum),
      );
    });
    if (along !== undefined) point[along] = undefined;
  }

  /** All taps along a dimension. */
  private tapLoop(d: number, body: () => void): void {
    const { fn, point } = this;
    const { m } = fn;
    const { extent } = this.shape.operation.domain[d];
    if (extent === 1) {
      point[d] = () => m.i32.const(0);
      body();
    } else
      fn.loop(
        m.i32.const(0),
        () => m.i32.const(extent),
        1,
        (i) => {
          point[d] = i;
          body();
        },
      );
    point[d] = undefined;
  }

  private floatTerms(
    extent: number,
    starts: readonly Local[],
    offset: number,
    sums: readonly (readonly Variable[])[],
    w: Local,
    setW: Variable[1],
    stride: number,
  ): void {
    const { fn, plan } = this;
    const { m, wasm } = fn;
    const row = plan.panel * 4;
    const pointers = starts.map((start) => this.running(start));
    // One term at a time: V8 orders a block's products before its sums, and more of them than there are registers would spill.
    this.rounds(extent, row, w, () => {
      const rows = sums[0].map((_, g) => fn.keep(wasm.v128, m.v128.load(16 * g, 4, w())));
      sums.forEach((own, i) => {
        const [pointer] = pointers[i] ?? pointers[0];
        const a = fn.keep(wasm.v128, m.v128.load32_splat(pointers.length === 1 ? i * offset : 0, 4, pointer()));
        for (const [g, [sum, set]] of own.entries()) set(m.f32x4.add(sum(), m.f32x4.mul(a(), rows[g]())));
      });
      setW(m.i32.add(w(), m.i32.const(row)));
      for (const [pointer, set] of pointers) set(m.i32.add(pointer(), m.i32.const(stride)));
    });
  }

  /** Pairs of terms at once: 16-bit products, added in pairs to 32 bits. */
  private integerTerms(
    dtype: DType,
    extent: number,
    starts: readonly Local[],
    offset: number,
    sums: readonly (readonly Variable[])[],
    w: Local,
    setW: Variable[1],
  ): void {
    const { fn, plan } = this;
    const { m, wasm } = fn;
    const signed = dtype === 'int8';
    const row = plan.panel * 4;
    const pointers = starts.map((start) => this.running(start));
    const wide = (pointer: Local, at: number): Expression => {
      if (plan.step === 8) return signed ? m.v128.load8x8_s(at, 1, pointer()) : m.v128.load8x8_u(at, 1, pointer());
      const four = m.v128.load32_zero(at, 1, pointer());
      return signed ? m.i16x8.extend_low_i8x16_s(four) : m.i16x8.extend_low_i8x16_u(four);
    };
    this.rounds(Math.ceil(extent / plan.step), (plan.step / 2) * row, w, () => {
      const values = sums.map((_, i) => {
        const [pointer] = pointers[i] ?? pointers[0];
        return fn.keep(wasm.v128, wide(pointer, pointers.length === 1 ? i * offset : 0));
      });
      for (let pair = 0; pair < plan.step / 2; pair++) {
        const rows = sums[0].map((_, g) => fn.keep(wasm.v128, m.v128.load(pair * row + 16 * g, 4, w())));
        const lanes = [0, 1, 2, 3].map((k) => 4 * pair + k);
        values.forEach((value, i) => {
          const both = fn.keep(wasm.v128, m.i8x16.shuffle(value(), value(), [...lanes, ...lanes, ...lanes, ...lanes]));
          for (const [g, [sum, set]] of sums[i].entries()) set(m.i32x4.add(sum(), m.i32x4.dot_i16x8_s(both(), rows[g]())));
        });
      }
      setW(m.i32.add(w(), m.i32.const((plan.step / 2) * row)));
      for (const [pointer, set] of pointers) set(m.i32.add(pointer(), m.i32.const(plan.step)));
    });
  }

  private running(start: Local): Variable {
    const variable = this.fn.variable(this.fn.wasm.i32);
    variable[1](start());
    return variable;
  }

  /** So many rounds of a body, each of which moves `w` on by `bytes`. */
  private rounds(count: number, bytes: number, w: Local, body: () => void): void {
    const { fn } = this;
    const { m } = fn;
    if (count === 1) {
      body();
      return;
    }
    const end = fn.keep(fn.wasm.i32, m.i32.add(w(), m.i32.const(count * bytes)));
    fn.repeat(body, () => m.i32.ne(w(), end()));
  }

  /** What follows the sums: bias, scale, activation, residual; then the store. */
  private finish(n: Local, sums: readonly Local[]): void {
    const { fn, plan, access, code, shape, target, point } = this;
    const { m, wasm } = fn;
    const { body } = shape.operation;
    const to = plan.lanes[target];
    if (!body || !to) return;
    const without: (Local | undefined)[] = point.map((value, d) => (d === plan.n ? undefined : value));
    const pointers = new Map<number, Pointer>();
    for (const k of operandsIn(body.finish)) if (shape.operands[k]) pointers.set(k, access.pointer(k, without, point));
    const written = access.pointer(target, without, point);
    const { hi } = access.parameters;
    sums.forEach((sum, g) => {
      const v = g === 0 ? n : fn.keep(wasm.i32, m.i32.add(n(), m.i32.const(4 * g)));
      const acc: Lanes = { kind: plan.integer ? 'i32' : 'f32', v: sum };
      const store = (): void => {
        const result = code.compile(body.finish, (k) => access.load(k, pointers.get(k), v), acc);
        const address = (): Expression => m.i32.add(written.at(), access.addresses.times(v(), to.stride));
        const whole = (): void => code.store(to.dtype, address(), result, to.stride, 4);
        if (plan.full) {
          whole();
          return;
        }
        fn.when(m.i32.le_s(m.i32.add(v(), m.i32.const(4)), hi[plan.n]()), whole, () =>
          code.storePart(to.dtype, address(), result, to.stride, m.i32.sub(hi[plan.n](), v())),
        );
      };
      store();
    });
  }
}

type Variable = readonly [value: Local, set: (value: Expression) => void];
