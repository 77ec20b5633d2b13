import { type DType, ELEMENT_BYTES } from '@regrain/core-ir';
import type { Expression, FunctionBuilder, Local } from '../function-builder.js';
import { operandsIn } from '../generic.js';
import type { Imports } from '../imports.js';
import type { KernelShape } from '../kernel.js';
import { LaneCode, type Lanes } from '../lanes.js';
import { OperandAccess, type Pointer } from '../operand-access.js';
import { type Contraction, type ContractionExtras, leavesAlong, TILES } from './plan.js';

type Variable = readonly [value: Local, set: (value: Expression) => void];

/** Panel by panel of outputs, some points at a time: sums in registers, then what follows the sum. */
export class ContractionKernel {
  protected readonly code: LaneCode;
  protected readonly access: OperandAccess;
  protected readonly point: (Local | undefined)[];

  constructor(
    protected readonly shape: KernelShape,
    protected readonly plan: Contraction,
    protected readonly extras: ContractionExtras,
    protected readonly fn: FunctionBuilder,
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
  }

  write(): void {
    const { fn, plan, extras, access, point } = this;
    const { m, wasm } = fn;
    const { hi } = access.parameters;
    const weights = access.extra(extras.weights);
    const panelBytes = this.panelBytes();
    fn.loop(this.firstPanel(), hi[plan.n], plan.panel, (n) => {
      point[plan.n] = n;
      const index = m.i32.shr_u(n(), m.i32.const(plan.panel === 8 ? 3 : 2));
      const panel = fn.keep(wasm.i32, m.i32.add(weights(), m.i32.mul(index, m.i32.const(panelBytes))));
      const outer = plan.pixels.slice(0, -1);
      this.nest(outer, () => this.tiles(n, panel));
    });
  }

  /** The first output of the panel that holds the task's first one. */
  protected firstPanel(): Expression {
    const { plan, fn, access } = this;
    const lo = access.parameters.lo[plan.n]();
    return plan.full ? lo : fn.m.i32.and(lo, fn.m.i32.const(-plan.panel));
  }

  /** Weights of one panel and one remainder of each phase. */
  private phaseBytes(): number {
    const { plan, shape } = this;
    const extents = shape.operation.domain.map(({ extent }) => extent);
    const count = plan.taps.reduce((product, d) => product * extents[d], 1);
    const terms = Math.ceil(extents[plan.r] / plan.step) * plan.step;
    return count * terms * plan.panel * (plan.integer ? 2 : 4);
  }

  protected panelBytes(): number {
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
      for (const count of TILES) {
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
    const { fn, plan, extras, access, point, shape } = this;
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
        const some = plan.partial.find((each) => each.d === d);
        if (!some) {
          this.tapLoop(d, () => taps(rest));
          return;
        }
        // What the point's remainder lacks is skipped, its weights too.
        const remainder = m.i32.rem_u((point[some.phase] as Local)(), m.i32.const(some.by));
        const count = fn.keep(wasm.i32, m.i32.div_u(m.i32.sub(m.i32.const(some.extent - 1 + some.by), remainder), m.i32.const(some.by)));
        fn.loop(m.i32.const(0), count, 1, (i) => {
          point[d] = i;
          taps(rest);
        });
        point[d] = undefined;
        const bytes =
          this.phaseBytes() /
          plan.taps.slice(0, plan.taps.indexOf(d) + 1).reduce((product, tap) => product * operation.domain[tap].extent, 1);
        const missing = m.i32.sub(m.i32.const(operation.domain[d].extent), count());
        setW(m.i32.add(w(), m.i32.mul(missing, m.i32.const(bytes))));
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
      const insideOf = (i: number): Local | undefined => {
        const x = at[i];
        if (along !== undefined && x) point[along] = x;
        const found = extras.outside === undefined ? undefined : access.addresses.inside(map, shape.shapes[plan.a], point);
        return found === undefined ? undefined : fn.keep(wasm.i32, found);
      };
      const addressOf = (i: number): Expression => {
        const x = at[i];
        if (along !== undefined && x) point[along] = x;
        return access.addresses.address(map, left.view, base, point);
      };
      const pointerTo = (i: number): Local => {
        const within = insideOf(i);
        const elsewhere = extras.outside === undefined ? undefined : access.extra(extras.outside);
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
      if (at.length === 1 || shared === undefined) {
        each();
        return;
      }
      const ends = leavesAlong(shape, plan.a, along as number) ? [insideOf(0), insideOf(at.length - 1)] : [];
      const [first, last] = ends;
      if (!first || !last) sum([pointerTo(0)], shared);
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
        const within = extras.outside === undefined ? undefined : access.addresses.inside(rows, shape.shapes[plan.a], point);
        const elsewhere = extras.outside === undefined ? undefined : access.extra(extras.outside);
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
  protected tapLoop(d: number, body: () => void): void {
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
        for (const [g, [sum, set]] of own.entries()) set(fn.multiplyAdd(a(), rows[g](), sum()));
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

  protected running(start: Local): Variable {
    const variable = this.fn.variable(this.fn.wasm.i32);
    variable[1](start());
    return variable;
  }

  /** So many rounds of a body, each of which moves `w` on by `bytes`. */
  protected rounds(count: number, bytes: number, w: Local, body: () => void): void {
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
