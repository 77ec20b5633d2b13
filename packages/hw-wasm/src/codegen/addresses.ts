import { type Box, bounds, type Expr, type IndexMap } from '@regrain/core-ir';
import type { View } from '../layout/view.js';
import type { Expression, FunctionBuilder, Local } from './function-builder.js';

/** Where the dimensions of the domain stand: a variable each; undefined where a dimension is left out of an address. */
export type Point = readonly (Local | undefined)[];

/** Code for index expressions at a point of the domain; `domain` bounds the operands of divisions. */
export class Addresses {
  constructor(
    private readonly fn: FunctionBuilder,
    private readonly domain: Box,
  ) {}

  /** An expression's value; dimensions that are left out count as 0 (sound for linear terms alone: see `terms`). */
  value(expr: Expr, point: Point): Expression {
    const { m } = this.fn;
    if (typeof expr === 'number') return m.i32.const(expr);
    if ('d' in expr) return point[expr.d]?.() ?? m.i32.const(0);
    if (expr[0] === '+') return this.sum([this.value(expr[1], point), this.value(expr[2], point)]);
    const by = expr[2];
    if (expr[0] === '*') return this.times(this.value(expr[1], point), by);
    const [low] = bounds(expr[1], this.domain);
    const a = this.value(expr[1], point);
    switch (expr[0]) {
      case 'div':
        return low >= 0 ? m.i32.div_u(a, m.i32.const(by)) : this.floorDivide(a, by);
      case 'mod':
        return low >= 0 ? m.i32.rem_u(a, m.i32.const(by)) : this.floorModulo(a, by);
      case 'min': {
        const kept = this.fn.keep(this.fn.wasm.i32, a);
        return m.select(m.i32.lt_s(kept(), m.i32.const(by)), kept(), m.i32.const(by));
      }
      case 'max': {
        const kept = this.fn.keep(this.fn.wasm.i32, a);
        return m.select(m.i32.gt_s(kept(), m.i32.const(by)), kept(), m.i32.const(by));
      }
    }
  }

  /** The byte address of an operand's element; tables may be looked up at another point than the rest. */
  address(map: IndexMap, view: View, base: Local, point: Point, lookup: Point = point): Expression {
    const { m } = this.fn;
    const coordinate = (d: number, at: Point): Expression => {
      const range = map[d];
      return range === 'all' ? m.i32.const(0) : this.value(range.at, at);
    };
    let from = base();
    if (view.table.length > 0) {
      const index = view.table.map(({ dimension, stride, block }) => {
        const at = coordinate(dimension, lookup);
        return this.times(block === 1 ? at : m.i32.div_u(at, m.i32.const(block)), 4 * stride);
      });
      from = m.i32.load(0, 4, this.sum([from, ...index]));
    }
    const linear = view.strides.flatMap((stride, d) => (stride === 0 ? [] : [this.times(coordinate(d, point), stride)]));
    return this.sum([from, ...linear]);
  }

  /** True where a padded operand lies inside its tensor, by the dimensions that can leave it; undefined if none can. */
  inside(map: IndexMap, shape: readonly number[], point: Point): Expression | undefined {
    const { m, wasm } = this.fn;
    const tests = map.flatMap((range, d) => {
      if (range === 'all') return [];
      const [low, high] = bounds(range.at, this.domain);
      if (low >= 0 && high < shape[d]) return [];
      const at = this.fn.keep(wasm.i32, this.value(range.at, point));
      // Below 0 is large as an unsigned number.
      return [m.i32.lt_u(at(), m.i32.const(shape[d]))];
    });
    return tests.length === 0 ? undefined : tests.reduce((a, b) => m.i32.and(a, b));
  }

  sum(parts: readonly Expression[]): Expression {
    return parts.reduce((a, b) => this.fn.m.i32.add(a, b));
  }

  times(value: Expression, by: number): Expression {
    const { m } = this.fn;
    if (by === 1) return value;
    if (by > 0 && (by & (by - 1)) === 0) return m.i32.shl(value, m.i32.const(Math.log2(by)));
    return m.i32.mul(value, m.i32.const(by));
  }

  private floorDivide(value: Expression, by: number): Expression {
    const { m, wasm } = this.fn;
    const a = this.fn.keep(wasm.i32, value);
    const shifted = m.select(m.i32.lt_s(a(), m.i32.const(0)), m.i32.sub(a(), m.i32.const(by - 1)), a());
    return m.i32.div_s(shifted, m.i32.const(by));
  }

  private floorModulo(value: Expression, by: number): Expression {
    const { m, wasm } = this.fn;
    const a = this.fn.keep(wasm.i32, value);
    return m.i32.sub(a(), this.times(this.floorDivide(a(), by), by));
  }
}
