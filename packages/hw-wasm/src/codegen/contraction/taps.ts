import type { Expression, FunctionBuilder, Local } from '../function-builder.js';
import type { KernelShape } from '../kernel.js';
import type { OperandAccess } from '../operand-access.js';
import { type Contraction, type ContractionExtras, leavesAlong, phaseBytes } from './plan.js';
import type { Sums } from './sums.js';

/** What the parts of a kernel share. */
export interface Parts {
  readonly fn: FunctionBuilder;
  readonly shape: KernelShape;
  readonly plan: Contraction;
  readonly extras: ContractionExtras;
  readonly access: OperandAccess;
  /** Where each dimension of the domain stands. */
  readonly point: (Local | undefined)[];
}

/** The window of one tile, tap by tap: where the terms of each of its points lie. */
export class Taps {
  private readonly along: number | undefined;

  /** `points`: along the tile dimension; one undefined where there is none. */
  constructor(
    private readonly parts: Parts,
    private readonly points: readonly (Local | undefined)[],
    private readonly sums: Sums,
  ) {
    this.along = parts.plan.pixels.at(-1);
  }

  /** Adds all products. */
  add(): void {
    const { plan, shape, fn } = this.parts;
    const { m } = fn;
    const { joined, taps } = plan;
    const [first, last] = [this.points[0], this.points[this.points.length - 1]];
    if (!joined || this.along === undefined || !first || !last) {
      this.each(taps);
      return;
    }
    const { extent } = shape.operation.domain[this.along];
    const tests = [
      ...(joined.first > 0 ? [m.i32.ge_s(first(), m.i32.const(joined.first))] : []),
      ...(joined.end < extent ? [m.i32.lt_s(last(), m.i32.const(joined.end))] : []),
    ];
    const rows = taps.filter((d) => d !== joined.d);
    if (tests.length === 0) this.whole(rows, joined);
    else
      fn.when(
        tests.reduce((one, other) => m.i32.and(one, other)),
        () => this.whole(rows, joined),
        () => this.each(taps),
      );
  }

  /** All columns of all points lie inside: one loop for terms and columns. */
  private whole(dims: readonly number[], joined: NonNullable<Contraction['joined']>): void {
    const { plan, shape, fn, access, extras, point } = this.parts;
    if (dims.length > 0) {
      tapLoop(this.parts, dims[0], () => this.whole(dims.slice(1), joined));
      return;
    }
    const left = shape.operands[plan.a];
    if (left?.kind !== 'view') return;
    const { domain, operands } = shape.operation;
    const { map } = operands[plan.a];
    point[joined.d] = undefined;
    this.stand(0);
    const address = access.addresses.address(map, left.view, access.parameters.base(left.parameter), point);
    const rows = map.map((range, t) => (t === joined.tensorDimension ? { at: 0 } : range));
    const elsewhere = extras.outside === undefined ? undefined : access.extra(extras.outside);
    const within = elsewhere && access.addresses.inside(rows, shape.shapes[plan.a], point);
    const start = fn.keep(fn.wasm.i32, within && elsewhere ? access.either(within, address, elsewhere(), left.view) : address);
    this.sums.add(domain[plan.r].extent * domain[joined.d].extent, [start], plan.shared ?? 0, joined.stride);
  }

  private each(dims: readonly number[]): void {
    const { plan, shape, fn, point } = this.parts;
    const { m } = fn;
    if (dims.length > 0) {
      const [d, ...rest] = dims;
      const partial = plan.partial.find((some) => some.d === d);
      if (partial) this.some(partial, () => this.each(rest));
      else tapLoop(this.parts, d, () => this.each(rest));
      return;
    }
    const { block } = plan;
    const { extent } = shape.operation.domain[plan.r];
    if (block === undefined) {
      this.terms(extent);
      return;
    }
    fn.loop(
      m.i32.const(0),
      () => m.i32.const(extent),
      block,
      (k) => {
        point[plan.r] = k;
        this.terms(block);
      },
    );
    point[plan.r] = undefined;
  }

  /** The taps that the point's remainder has; the weights of others are left out. */
  private some({ d, phase, by, extent }: Contraction['partial'][number], body: () => void): void {
    const { plan, shape, fn, point } = this.parts;
    const { m, wasm } = fn;
    const { domain } = shape.operation;
    const at = point[phase];
    if (!at) return;
    const remainder = m.i32.rem_u(at(), m.i32.const(by));
    const count = fn.keep(wasm.i32, m.i32.div_u(m.i32.sub(m.i32.const(extent - 1 + by), remainder), m.i32.const(by)));
    fn.loop(m.i32.const(0), count, 1, (i) => {
      point[d] = i;
      body();
    });
    point[d] = undefined;
    const outer = plan.taps.slice(0, plan.taps.indexOf(d) + 1).reduce((product, tap) => product * domain[tap].extent, 1);
    const missing = m.i32.sub(m.i32.const(domain[d].extent), count());
    this.sums.skip(m.i32.mul(missing, m.i32.const(phaseBytes(plan, domain) / outer)));
  }

  /** So many terms of one tap. */
  private terms(count: number): void {
    const { plan, shape, fn } = this.parts;
    const { m, wasm } = fn;
    const { shared } = plan;
    const add = (pointers: readonly Local[], offset: number): void => this.sums.add(count, pointers, offset, plan.strideR);
    const each = (): void => {
      add(
        this.points.map((_, i) => this.pointer(i)),
        0,
      );
    };
    if (this.points.length === 1 || shared === undefined || this.along === undefined) {
      each();
      return;
    }
    const leaves = leavesAlong(shape, plan.a, this.along);
    const [first, last] = leaves ? [this.inside(0), this.inside(this.points.length - 1)] : [];
    if (!first || !last) add([this.pointer(0)], shared);
    else fn.when(m.i32.and(first(), last()), () => add([fn.keep(wasm.i32, this.address(0))], shared), each);
  }

  /** Where the terms of a point lie; what stands for them outside the tensor. */
  private pointer(i: number): Local {
    const { plan, shape, fn, access, extras } = this.parts;
    const left = shape.operands[plan.a];
    const within = this.inside(i);
    const elsewhere = extras.outside === undefined ? undefined : access.extra(extras.outside);
    const address = this.address(i);
    const found = within && elsewhere && left?.kind === 'view' ? access.either(within(), address, elsewhere(), left.view) : address;
    return fn.keep(fn.wasm.i32, found);
  }

  private inside(i: number): Local | undefined {
    const { plan, shape, fn, access, extras, point } = this.parts;
    if (extras.outside === undefined) return undefined;
    this.stand(i);
    const found = access.addresses.inside(shape.operation.operands[plan.a].map, shape.shapes[plan.a], point);
    return found === undefined ? undefined : fn.keep(fn.wasm.i32, found);
  }

  private address(i: number): Expression {
    const { plan, shape, fn, access, point } = this.parts;
    const left = shape.operands[plan.a];
    if (left?.kind !== 'view') return fn.m.i32.const(0);
    this.stand(i);
    return access.addresses.address(shape.operation.operands[plan.a].map, left.view, access.parameters.base(left.parameter), point);
  }

  private stand(i: number): void {
    const x = this.points[i];
    if (this.along !== undefined && x) this.parts.point[this.along] = x;
  }
}

/** All taps along a dimension, or so many. */
export function tapLoop({ fn, shape, point }: Parts, d: number, body: () => void, extent = shape.operation.domain[d].extent): void {
  const { m } = fn;
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
