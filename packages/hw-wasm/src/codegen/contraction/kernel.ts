import { dimensionsOf, ELEMENT_BYTES } from '@regrain/core-ir';
import type { Expression, FunctionBuilder, Local } from '../function-builder.js';
import { operandsIn } from '../generic.js';
import type { Imports } from '../imports.js';
import type { KernelShape } from '../kernel.js';
import { LaneCode } from '../lanes/code.js';
import type { Lanes } from '../lanes/lanes.js';
import { laneBlock, laneStride, OperandAccess, type Pointer } from '../operand-access.js';
import { tilesOf } from './panel.js';
import { type Contraction, type ContractionExtras, phaseBytes } from './plan.js';
import { Sums } from './sums.js';
import { type Parts, Taps } from './taps.js';

/** Panel by panel of outputs, some points at a time: sums in registers, then what follows the sum. */
export class ContractionKernel implements Parts {
  protected readonly code: LaneCode;
  readonly access: OperandAccess;
  /** Vectors of outputs of the panel in hand. */
  protected groups: number;
  readonly point: (Local | undefined)[];

  constructor(
    readonly shape: KernelShape,
    readonly plan: Contraction,
    readonly extras: ContractionExtras,
    readonly fn: FunctionBuilder,
    imports: Imports,
  ) {
    const { operation, operands } = shape;
    const written = operands[plan.write];
    this.code = new LaneCode(fn, imports, plan.integer || !(written?.kind === 'view' && written.view.dtype === 'float32'));
    this.code.smallOperands = new Set(
      operands.flatMap((operand, k) => (operand?.kind === 'view' && ELEMENT_BYTES[operand.view.dtype] <= 2 ? [k] : [])),
    );
    this.access = new OperandAccess(fn, shape, plan.n, plan.lanes, this.code, extras.extras);
    this.point = operation.domain.map(() => undefined);
    this.groups = plan.panel / 4;
  }

  write(): void {
    const { fn, plan, extras, access } = this;
    const { m, wasm } = fn;
    const weights = access.extra(extras.weights);
    const panelBytes = this.panelBytes();
    this.panels((n) => {
      const index = m.i32.shr_u(n(), m.i32.const(Math.log2(plan.panel)));
      const panel = fn.keep(wasm.i32, m.i32.add(weights(), m.i32.mul(index, m.i32.const(panelBytes))));
      const outer = plan.pixels.slice(0, -1);
      this.nest(outer, () => this.tiles(n, panel));
    });
  }

  /** Panels of outputs, from the one that holds the task's first. The tensor's last one may have empty vectors. */
  protected panels(body: (n: Local) => void): void {
    const { fn, plan, access, shape, point } = this;
    const { m } = fn;
    const { lo, hi } = access.parameters;
    const first = plan.full ? lo[plan.n]() : m.i32.and(lo[plan.n](), m.i32.const(-plan.panel));
    const { extent } = shape.operation.domain[plan.n];
    const rest = extent % plan.panel;
    const some = Math.ceil(rest / 4);
    const all = this.groups;
    fn.loop(first, hi[plan.n], plan.panel, (n) => {
      point[plan.n] = n;
      if (some === 0 || some === all) {
        body(n);
        return;
      }
      const last = (): void => {
        this.groups = some;
        body(n);
        this.groups = all;
      };
      fn.when(m.i32.lt_s(n(), m.i32.const(extent - rest)), () => body(n), last);
    });
  }

  protected panelBytes(): number {
    const { plan } = this;
    const phases = plan.phases.reduce((product, { by }) => product * by, 1);
    return phases * phaseBytes(this.plan, this.shape.operation.domain) + (plan.integer ? plan.panel * 4 : 0);
  }

  /** Where the weights of the point's remainders begin, behind those of a panel. */
  private phaseOffset(): Expression | undefined {
    const { plan, point, fn } = this;
    const { m } = fn;
    let step = phaseBytes(this.plan, this.shape.operation.domain);
    const parts: Expression[] = [];
    for (const { d, by } of [...plan.phases].reverse()) {
      const at = point[d];
      if (at) parts.push(m.i32.mul(m.i32.rem_u(at(), m.i32.const(by)), m.i32.const(step)));
      step *= by;
    }
    return parts.length === 0 ? undefined : this.access.addresses.sum(parts);
  }

  protected nest(dims: readonly number[], inner: () => void): void {
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
      for (const count of tilesOf(this.groups)) {
        if (extent < count * by) continue;
        const tile = Array.from({ length: count }, (_, k) => at(k));
        const until = count === 1 ? hi[along] : (): Expression => m.i32.sub(hi[along](), m.i32.const((count - 1) * by));
        fn.loopOn(x, assign, until, count * by, () => this.tile(tile, n, panel));
      }
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
    const { fn, plan, shape, point } = this;
    const { m } = fn;
    const left = shape.operands[plan.a];
    if (left?.kind !== 'view') return;
    const along = plan.pixels.at(-1);
    const at = points.length === 0 ? [undefined] : points;
    if (along !== undefined) point[along] = at[0];
    const phase = this.phaseOffset();
    const start = plan.integer ? m.i32.add(panel(), m.i32.const(4 * plan.panel)) : panel();
    const weights = phase === undefined ? start : m.i32.add(start, phase);
    const sums = new Sums(fn, plan, left.view.dtype, [at.length, this.groups], panel, weights);
    new Taps(this, at, sums).add();
    const between = at.length === 4 ? this.bytesBetweenPoints() : undefined;
    if (between !== undefined) {
      if (along !== undefined) point[along] = at[0];
      const [a, b, c, d] = at.map((_, i) => sums.at(i)[0]);
      this.finishPoints(pair(fn, pair(fn, a, b, [0, 4, 0, 4]), pair(fn, c, d, [0, 4, 0, 4]), [0, 1, 4, 5]), between);
    } else
      at.forEach((x, i) => {
        if (along !== undefined) point[along] = x;
        this.finish(n, sums.at(i));
      });
    if (along !== undefined) point[along] = undefined;
  }

  /** Where there is but one output and what follows its sum is the same at all points of a row: bytes from one result of a tile to the next. */
  private bytesBetweenPoints(): number | undefined {
    const { plan, shape } = this;
    const { domain, body, operands } = shape.operation;
    const along = plan.pixels.at(-1);
    if (!body || along === undefined || plan.integer || domain[plan.n].extent !== 1) return undefined;
    const moves = (k: number): boolean => operands[k].map.some((range) => range === 'all' || dimensionsOf(range.at).has(along));
    if ([...operandsIn(body.finish)].some(moves) || laneBlock(shape, plan.write, along) !== undefined) return undefined;
    const by = plan.phases.find(({ d }) => d === along)?.by ?? 1;
    const stride = laneStride(shape, plan.write, along);
    return stride === undefined ? undefined : stride * by;
  }

  /** What follows the sums of four points, a lane each, of one output. */
  private finishPoints(sums: Local, bytes: number): void {
    const { plan, access, code, shape, point } = this;
    const { body } = shape.operation;
    const to = plan.lanes[plan.write];
    if (!body || !to) return;
    const read = (k: number): Lanes => {
      const lanes = plan.lanes[k];
      return lanes && shape.operands[k]?.kind === 'view'
        ? code.splat(lanes.dtype, access.pointer(k, point).at())
        : access.load(k, undefined, sums);
    };
    const result = code.compile(body.finish, read, { kind: 'f32', v: sums });
    code.store(to.dtype, access.pointer(plan.write, point).at(), result, bytes, 4);
  }

  /** What follows the sums: bias, scale, activation, residual; then the store. */
  protected finish(n: Local, sums: readonly Local[]): void {
    const { fn, plan, access, code, shape, point } = this;
    const { m, wasm } = fn;
    const { body } = shape.operation;
    const to = plan.lanes[plan.write];
    if (!body || !to) return;
    const without: (Local | undefined)[] = point.map((value, d) => (d === plan.n ? undefined : value));
    const pointers = new Map<number, Pointer>();
    for (const k of operandsIn(body.finish)) if (shape.operands[k]) pointers.set(k, access.pointer(k, without, point));
    const written = access.pointer(plan.write, without, point);
    const { lo, hi } = access.parameters;
    sums.forEach((sum, g) => {
      const v = g === 0 ? n : fn.keep(wasm.i32, m.i32.add(n(), m.i32.const(4 * g)));
      const acc: Lanes = { kind: plan.integer ? 'i32' : 'f32', v: sum };
      const address = (): Expression => m.i32.add(written.at(), access.addresses.times(v(), to.stride));
      const whole = (): void => {
        const result = code.compile(body.finish, (k) => access.load(k, pointers.get(k), v), acc);
        code.store(to.dtype, address(), result, to.stride, 4);
      };
      if (plan.full) {
        whole();
        return;
      }
      const [first, end] = [lo[plan.n], hi[plan.n]];
      const all = m.i32.and(m.i32.ge_s(v(), first()), m.i32.le_s(m.i32.add(v(), m.i32.const(4)), end()));
      fn.when(all, whole, () => {
        const result = code.compile(body.finish, (k) => access.loadPart(k, pointers.get(k), v, first, end), acc);
        code.storePart(to.dtype, address(), result, to.stride, m.i32.sub(end(), v()), m.i32.sub(first(), v()));
      });
    });
  }
}

/** Four 32-bit words of two vectors: 0 to 3 of the first, 4 to 7 of the second. */
function pair(fn: FunctionBuilder, a: Local, b: Local, words: readonly number[]): Local {
  const bytes = words.flatMap((word) => [0, 1, 2, 3].map((byte) => 4 * word + byte));
  return fn.keep(fn.wasm.v128, fn.m.i8x16.shuffle(a(), b(), bytes));
}
