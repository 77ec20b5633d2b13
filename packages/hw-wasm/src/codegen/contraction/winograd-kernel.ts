import { ELEMENT_BYTES, type IndexMap } from '@regrain/core-ir';
import type { Expression, FunctionBuilder, Local } from '../function-builder.js';
import type { Imports } from '../imports.js';
import type { KernelShape } from '../kernel.js';
import { laneBlock, laneStride } from '../operand-access.js';
import { ContractionKernel } from './kernel.js';
import type { Contraction, ContractionExtras } from './plan.js';
import { rounds, type Variable } from './sums.js';
import { tapLoop } from './taps.js';
import { COLUMNS, OUTPUTS, type Short, type Tall, TILES } from './winograd.js';

/**
 * Rows of short convolutions: the columns of some blocks are transformed once (B^T d), multiplied with the factors of every panel of outputs
 * like a product of matrices for each of the six columns, and transformed back (A^T m). With tall blocks the six rows are transformed, too
 * (B^T d B), and there are 36 products of matrices. Matrices: Lavin & Gray 2016, section 4.2.
 */
export class WinogradKernel extends ContractionKernel {
  private readonly along: number;
  /** Products of matrices for each transformed column: one, which also sums over the window's rows, or one for each transformed row. */
  private readonly levels: number;
  /** Terms of one product of matrices. */
  private readonly terms: number;
  /** Bytes of what one block gives to a product of matrices. */
  private readonly block: number;

  constructor(
    shape: KernelShape,
    plan: Contraction,
    extras: ContractionExtras,
    private readonly short: Short,
    fn: FunctionBuilder,
    imports: Imports,
  ) {
    super(shape, plan, extras, fn, imports);
    const { domain } = shape.operation;
    this.along = plan.pixels[plan.pixels.length - 1];
    const { extent } = domain[plan.r];
    this.levels = short.tall ? COLUMNS : 1;
    this.terms = short.tall ? extent : short.rows.reduce((product, d) => product * domain[d].extent, extent);
    this.block = 4 * this.terms;
  }

  override write(): void {
    const { fn, plan, access, point } = this;
    const { tall } = this.short;
    const outer = plan.pixels.slice(0, -1).filter((d) => d !== tall?.along);
    this.nest(outer, () => {
      if (!tall) {
        this.row();
        return;
      }
      const { lo, hi } = access.parameters;
      fn.loop(lo[tall.along](), hi[tall.along], OUTPUTS, (y) => {
        point[tall.along] = y;
        this.row();
        point[tall.along] = undefined;
      });
    });
  }

  private row(): void {
    const { fn, along, access } = this;
    const { m, wasm } = fn;
    const { lo, hi } = access.parameters;
    const [x, assign] = fn.variable(wasm.i32);
    assign(lo[along]());
    for (const count of TILES) {
      // The last block may be cut by the tensor's end.
      const last = OUTPUTS * (count - 1);
      const until = last === 0 ? hi[along] : (): Expression => m.i32.sub(hi[along](), m.i32.const(last));
      if (this.shape.operation.domain[along].extent > last) fn.loopOn(x, assign, until, OUTPUTS * count, () => this.blocks(x, count));
    }
  }

  /** `count` blocks of four points from `x` on. */
  private blocks(x: Local, count: number): void {
    const { fn, plan, extras, access, terms, levels, block, short } = this;
    const { m, wasm } = fn;
    const scratch = access.extra(extras.extras - 1);
    // Factors of products of matrices, one product behind the other: [column][transformed row][block][row of the window][term].
    const level = count * block;
    const column = levels * level;
    const products = fn.keep(wasm.i32, m.i32.add(scratch(), m.i32.const(COLUMNS * column)));
    const to = fn.variable(wasm.i32);
    for (let t = 0; t < count; t++) {
      const from = fn.keep(wasm.i32, m.i32.add(x(), m.i32.const(OUTPUTS * t)));
      to[1](m.i32.add(scratch(), m.i32.const(t * block)));
      this.windowRows(short.rows, () => {
        this.transformRow(from, to, column);
        if (short.tall) to[1](m.i32.add(to[0](), m.i32.const(level - block)));
      });
    }
    if (short.tall) this.inPlace(scratch, COLUMNS, level, (rows) => this.transformed(rows));
    const weights = access.extra(extras.weights);
    const panelBytes = COLUMNS * levels * terms * plan.panel * 4;
    this.panels((n) => {
      const panel = m.i32.mul(m.i32.shr_u(n(), m.i32.const(3)), m.i32.const(panelBytes));
      const w = fn.variable(wasm.i32);
      w[1](m.i32.add(weights(), panel));
      this.multiply(count, scratch, products, w);
      this.rows(x, count, products, n);
    });
  }

  private windowRows(dims: readonly number[], body: () => void): void {
    if (dims.length === 0) {
      body();
      return;
    }
    const rows = dims[0] === this.short.tall?.window ? COLUMNS : undefined;
    tapLoop(this, dims[0], () => this.windowRows(dims.slice(1), body), rows);
  }

  /** Transforms so many columns of six rows, each of so many bytes, where they lie: a result takes the place of the row of its number. */
  private inPlace(start: Local, columns: number, row: number, transform: (rows: readonly Local[]) => readonly Expression[]): void {
    const { fn } = this;
    const { m, wasm } = fn;
    const [at, setAt] = fn.variable(wasm.i32);
    setAt(start());
    const end = fn.keep(wasm.i32, m.i32.add(start(), m.i32.const(columns * COLUMNS * row)));
    fn.repeat(
      () => {
        const rowEnd = fn.keep(wasm.i32, m.i32.add(at(), m.i32.const(row)));
        fn.repeat(
          () => {
            const rows = Array.from({ length: COLUMNS }, (_, i) => fn.keep(wasm.v128, m.v128.load(i * row, 4, at())));
            transform(rows).forEach((v, i) => {
              fn.push(m.v128.store(i * row, 4, at(), v));
            });
            setAt(m.i32.add(at(), m.i32.const(16)));
          },
          () => m.i32.ne(at(), rowEnd()),
        );
        setAt(m.i32.add(at(), m.i32.const((COLUMNS - 1) * row)));
      },
      () => m.i32.ne(at(), end()),
    );
  }

  /** One block's columns in one row of the window: six vectors of four terms at a time. `to` moves on behind them. */
  private transformRow(from: Local, to: Variable, column: number): void {
    const { fn, plan, extras, access, point, shape, short, along } = this;
    const { m, wasm } = fn;
    const left = shape.operands[plan.a];
    if (left?.kind !== 'view') return;
    const { map } = shape.operation.operands[plan.a];
    const width = shape.shapes[plan.a][short.tensorDimension];
    const base = access.parameters.base(left.parameter);
    const extent = shape.operation.domain[plan.r].extent;
    const elsewhere = extras.outside === undefined ? undefined : access.extra(extras.outside);
    const alone: IndexMap = map.map((range, t) => (t === short.tensorDimension ? { at: 0 } : range));
    const within = elsewhere && (short.tall ? this.inTensor(short.tall) : access.addresses.inside(alone, shape.shapes[plan.a], point));
    const inRow = within && fn.keep(wasm.i32, within);
    point[along] = from;
    const addressOf = (j: number): Expression => {
      point[short.column] = () => m.i32.const(j);
      const address = access.addresses.address(map, left.view, base, point);
      point[short.column] = undefined;
      return address;
    };
    const step = laneBlock(shape, plan.a, short.column) === undefined ? laneStride(shape, plan.a, short.column) : undefined;
    const inner = (terms: number): void => {
      if (step === undefined) {
        const at = Array.from({ length: COLUMNS }, (_, j) => fn.keep(wasm.i32, addressOf(j)));
        this.copy(terms, to, column, (j, k) => [m.i32.add(at[j](), k()), 0]);
        return;
      }
      const start = fn.keep(wasm.i32, addressOf(0));
      this.copy(terms, to, column, (j, k) => [m.i32.add(start(), k()), j * step]);
    };
    const border = (terms: number): void => {
      const at = Array.from({ length: COLUMNS }, (_, j) => {
        if (!elsewhere) return fn.keep(wasm.i32, addressOf(j));
        const inside = m.i32.lt_u(m.i32.add(from(), m.i32.const(j + short.start)), m.i32.const(width));
        const both = inRow ? m.i32.and(inRow(), inside) : inside;
        return fn.keep(wasm.i32, access.either(both, addressOf(j), elsewhere(), left.view));
      });
      this.copy(terms, to, column, (j, k) => [m.i32.add(at[j](), k()), 0]);
    };
    const each = (columns: (terms: number) => void): void => {
      const { block } = plan;
      if (block === undefined) {
        columns(extent);
        return;
      }
      fn.loop(
        m.i32.const(0),
        () => m.i32.const(extent),
        block,
        (k) => {
          point[plan.r] = k;
          columns(block);
        },
      );
      point[plan.r] = undefined;
    };
    if (!elsewhere) each(inner);
    else {
      const first = (): Expression => m.i32.add(from(), m.i32.const(short.start));
      // All six columns lie in the tensor.
      const tests = [...(inRow ? [inRow()] : []), m.i32.ge_s(first(), m.i32.const(0)), m.i32.le_s(first(), m.i32.const(width - COLUMNS))];
      fn.when(
        tests.reduce((one, other) => m.i32.and(one, other)),
        () => each(inner),
        () => each(border),
      );
    }
    point[along] = undefined;
  }

  /** Whether the row in hand is one that a point reads; undefined where all are. */
  private inTensor({ window, along, start, end }: Tall): Expression | undefined {
    const { m } = this.fn;
    const [y, i] = [this.point[along], this.point[window]];
    const blocks = Math.ceil(this.shape.operation.domain[along].extent / OUTPUTS);
    if (!y || !i || (start >= 0 && OUTPUTS * blocks + start + COLUMNS - OUTPUTS <= end)) return undefined;
    const row = m.i32.add(m.i32.add(y(), i()), m.i32.const(start));
    // Below 0 is large as an unsigned number.
    return m.i32.lt_u(row, m.i32.const(end));
  }

  /** Transforms so many terms of six columns, four at a time. */
  private copy(
    terms: number,
    [to, setTo]: Variable,
    column: number,
    address: (j: number, k: Local) => readonly [Expression, number],
  ): void {
    const { fn, plan, code } = this;
    const { m, wasm } = fn;
    const end = fn.keep(wasm.i32, m.i32.add(to(), m.i32.const(4 * terms)));
    const [k, setK] = fn.variable(wasm.i32);
    const dense = plan.strideR === ELEMENT_BYTES.float32;
    setK(m.i32.const(0));
    fn.repeat(
      () => {
        const d = Array.from({ length: COLUMNS }, (_, j) => {
          const [at, more] = address(j, k);
          if (dense) return fn.keep(wasm.v128, m.v128.load(more, 4, at));
          return code.f32(code.gather('float32', fn.keep(wasm.i32, m.i32.add(at, m.i32.const(more))), plan.strideR));
        });
        this.transformed(d).forEach((v, j) => {
          fn.push(m.v128.store(j * column, 4, to(), v));
        });
        setK(m.i32.add(k(), m.i32.const(4 * plan.strideR)));
        setTo(m.i32.add(to(), m.i32.const(16)));
      },
      () => m.i32.ne(to(), end()),
    );
  }

  /** B^T d. */
  private transformed(d: readonly Local[]): Expression[] {
    const { fn } = this;
    const { m, wasm } = fn;
    const { f32x4 } = m;
    const keep = (value: Expression): Local => fn.keep(wasm.v128, value);
    const times = (factor: number, a: Local, c: Local): Expression => fn.multiplyAdd(f32x4.splat(m.f32.const(factor)), a(), c());
    const even = keep(times(-4, d[2], d[4]));
    const odd = keep(times(-4, d[1], d[3]));
    const evenSide = keep(f32x4.sub(d[4](), d[2]()));
    const oddSide = keep(f32x4.sub(d[3](), d[1]()));
    const first = keep(times(-5, d[2], d[4]));
    const last = keep(times(-5, d[3], d[5]));
    return [
      times(4, d[0], first),
      f32x4.add(even(), odd()),
      f32x4.sub(even(), odd()),
      times(2, oddSide, evenSide),
      times(-2, oddSide, evenSide),
      times(4, d[1], last),
    ];
  }

  /** For each of the six columns (and rows): blocks × terms times terms × outputs. */
  private multiply(count: number, scratch: Local, products: Local, [w, setW]: Variable): void {
    const { fn, plan, terms, levels, block } = this;
    const { m, wasm } = fn;
    const [v, setV] = fn.variable(wasm.i32);
    const [out, setOut] = fn.variable(wasm.i32);
    setV(scratch());
    setOut(products());
    const bytes = count * plan.panel * 4;
    const end = fn.keep(wasm.i32, m.i32.add(products(), m.i32.const(COLUMNS * levels * bytes)));
    fn.repeat(
      () => {
        const sums = Array.from({ length: count }, () => Array.from({ length: this.groups }, () => fn.variable(wasm.v128)));
        for (const [, set] of sums.flat()) set(m.f32x4.splat(m.f32.const(0)));
        rounds(fn, terms, plan.panel * 4, w, () => {
          const rows = Array.from({ length: this.groups }, (_, g) => fn.keep(wasm.v128, m.v128.load(16 * g, 4, w())));
          sums.forEach((own, t) => {
            const a = fn.keep(wasm.v128, m.v128.load32_splat(t * block, 4, v()));
            for (const [g, [sum, set]] of own.entries()) set(fn.multiplyAdd(a(), rows[g](), sum()));
          });
          setW(m.i32.add(w(), m.i32.const(plan.panel * 4)));
          setV(m.i32.add(v(), m.i32.const(4)));
        });
        sums.forEach((own, t) => {
          for (const [g, [sum]] of own.entries()) fn.push(m.v128.store(4 * (t * plan.panel + 4 * g), 4, out(), sum()));
        });
        setV(m.i32.add(v(), m.i32.const((count - 1) * block)));
        setOut(m.i32.add(out(), m.i32.const(bytes)));
      },
      () => m.i32.ne(out(), end()),
    );
  }

  /** What comes out of some blocks, row by row. */
  private rows(x: Local, count: number, products: Local, n: Local): void {
    const { fn, plan, point, access, shape } = this;
    const { m, wasm } = fn;
    const { tall } = this.short;
    if (!tall) {
      this.results(x, count, products, n);
      return;
    }
    const bytes = count * plan.panel * 4;
    this.inPlace(products, COLUMNS, bytes, (rows) => this.outputs(rows).map((row) => row()));
    const top = point[tall.along];
    if (!top) return;
    fn.loop(
      m.i32.const(0),
      () => m.i32.const(OUTPUTS),
      1,
      (i) => {
        const y = fn.keep(wasm.i32, m.i32.add(top(), i()));
        const row = fn.keep(wasm.i32, m.i32.add(products(), m.i32.mul(i(), m.i32.const(bytes))));
        point[tall.along] = y;
        const write = (): void => this.results(x, count, row, n);
        if (shape.operation.domain[tall.along].extent % OUTPUTS === 0) write();
        else fn.when(m.i32.lt_s(y(), access.parameters.hi[tall.along]()), write);
        point[tall.along] = top;
      },
    );
  }

  /** A^T m, then what follows the sums, point by point. */
  private results(x: Local, count: number, products: Local, n: Local): void {
    const { fn, plan, access, point, shape, along } = this;
    const { m, wasm } = fn;
    const bytes = plan.panel * 4;
    const column = this.levels * count * bytes;
    const cut = shape.operation.domain[along].extent % OUTPUTS !== 0;
    fn.loop(
      m.i32.const(0),
      () => m.i32.const(count),
      1,
      (t) => {
        const at = fn.keep(wasm.i32, m.i32.add(products(), m.i32.mul(t(), m.i32.const(bytes))));
        const sums = Array.from({ length: this.groups }, (_, g) => {
          const values = Array.from({ length: COLUMNS }, (_, j) => fn.keep(wasm.v128, m.v128.load(j * column + 16 * g, 4, at())));
          return this.outputs(values);
        });
        const from = fn.keep(wasm.i32, m.i32.add(x(), m.i32.shl(t(), m.i32.const(2))));
        for (let k = 0; k < OUTPUTS; k++) {
          const place = fn.keep(wasm.i32, m.i32.add(from(), m.i32.const(k)));
          const write = (): void => {
            point[along] = place;
            this.finish(
              n,
              sums.map((four) => four[k]),
            );
            point[along] = undefined;
          };
          if (k === 0 || !cut) write();
          else fn.when(m.i32.lt_s(place(), access.parameters.hi[along]()), write);
        }
      },
    );
  }

  private outputs([m0, m1, m2, m3, m4, m5]: readonly Local[]): Local[] {
    const { fn } = this;
    const { m, wasm } = fn;
    const { f32x4 } = m;
    const keep = (value: Expression): Local => fn.keep(wasm.v128, value);
    const times = (factor: number, a: Local, c: Local): Expression => fn.multiplyAdd(f32x4.splat(m.f32.const(factor)), a(), c());
    const near = keep(f32x4.add(m1(), m2()));
    const nearSide = keep(f32x4.sub(m1(), m2()));
    const far = keep(f32x4.add(m3(), m4()));
    const farSide = keep(f32x4.sub(m3(), m4()));
    return [
      keep(f32x4.add(f32x4.add(m0(), near()), far())),
      keep(times(2, farSide, nearSide)),
      keep(times(4, far, near)),
      keep(f32x4.add(times(8, farSide, nearSide), m5())),
    ];
  }
}
