import { type DType, RegrainError, type Scalar } from '@regrain/core-ir';
import type { Expression, FunctionBuilder, Local } from './function-builder.js';
import type { Imports } from './imports.js';

/** Scalar bodies in doubles: the very arithmetic of the reference interpreter. */
export class ScalarCode {
  constructor(
    private readonly fn: FunctionBuilder,
    private readonly imports: Imports,
  ) {}

  /** `read(k)` gives the element of operand k as a double. */
  compile(scalar: Scalar, read: (operand: number) => Expression, acc: Local): Expression {
    const { m, wasm } = this.fn;
    if (typeof scalar === 'number') return m.f64.const(scalar);
    if (scalar === 'acc') return acc();
    if ('x' in scalar) return read(scalar.x);
    const { f64 } = m;
    const args = scalar.args.map((argument) => this.compile(argument, read, acc));
    const [a, b, c] = args;
    const truth = (test: Expression): Expression => f64.convert_u.i32(test);
    switch (scalar.fn) {
      case 'add':
        return f64.add(a, b);
      case 'sub':
        return f64.sub(a, b);
      case 'mul':
        return f64.mul(a, b);
      case 'div':
        return f64.div(a, b);
      case 'idiv':
        return f64.trunc(f64.div(a, b));
      case 'max':
        return f64.max(a, b);
      case 'min':
        return f64.min(a, b);
      case 'clamp':
        return f64.min(f64.max(a, b), c);
      case 'neg':
        return f64.neg(a);
      case 'abs':
        return f64.abs(a);
      case 'reciprocal':
        return f64.div(f64.const(1), a);
      case 'sqrt':
        return f64.sqrt(a);
      case 'floor':
        return f64.floor(a);
      case 'ceil':
        return f64.ceil(a);
      case 'trunc':
        return f64.trunc(a);
      case 'round':
      case 'roundEven':
        return f64.nearest(a);
      case 'fround':
        return f64.promote(m.f32.demote(a));
      case 'eq':
        return truth(f64.eq(a, b));
      case 'ne':
        return truth(f64.ne(a, b));
      case 'lt':
        return truth(f64.lt(a, b));
      case 'le':
        return truth(f64.le(a, b));
      case 'gt':
        return truth(f64.gt(a, b));
      case 'ge':
        return truth(f64.ge(a, b));
      case 'not':
        return truth(f64.eq(a, f64.const(0)));
      case 'and':
        return truth(m.i32.and(f64.ne(a, f64.const(0)), f64.ne(b, f64.const(0))));
      case 'or':
        return truth(m.i32.or(f64.ne(a, f64.const(0)), f64.ne(b, f64.const(0))));
      case 'select':
        return m.select(f64.ne(a, f64.const(0)), b, c);
      default:
        return m.call(this.imports.use(scalar.fn, args.length), args, wasm.f64);
    }
  }

  load(dtype: DType, address: Expression): Expression {
    const { m, wasm } = this.fn;
    switch (dtype) {
      case 'float32':
        return m.f64.promote(m.f32.load(0, 1, address));
      case 'float64':
        return m.f64.load(0, 1, address);
      case 'float16':
        return m.call(this.imports.use('halfToFloat', 1), [m.f64.convert_u.i32(m.i32.load16_u(0, 1, address))], wasm.f64);
      case 'int64':
        return m.f64.convert_s.i64(m.i64.load(0, 1, address));
      case 'uint64':
        return m.f64.convert_u.i64(m.i64.load(0, 1, address));
      case 'int32':
        return m.f64.convert_s.i32(m.i32.load(0, 1, address));
      case 'uint32':
        return m.f64.convert_u.i32(m.i32.load(0, 1, address));
      case 'int16':
        return m.f64.convert_s.i32(m.i32.load16_s(0, 1, address));
      case 'uint16':
        return m.f64.convert_u.i32(m.i32.load16_u(0, 1, address));
      case 'int8':
        return m.f64.convert_s.i32(m.i32.load8_s(0, 1, address));
      case 'uint8':
      case 'bool':
        return m.f64.convert_u.i32(m.i32.load8_u(0, 1, address));
    }
  }

  /** Stores a double as the interpreter's arrays do: floats to the nearest, integers cut and wrapped. */
  store(dtype: DType, address: Expression, value: Expression): Expression {
    const { m, wasm } = this.fn;
    const integer = (): Expression => m.i32.wrap(m.i64.trunc_s_sat.f64(value));
    switch (dtype) {
      case 'float32':
        return m.f32.store(0, 1, address, m.f32.demote(value));
      case 'float64':
        return m.f64.store(0, 1, address, value);
      case 'float16':
        return m.i32.store16(0, 1, address, m.i32.trunc_u_sat.f64(m.call(this.imports.use('halfBits', 1), [value], wasm.f64)));
      case 'int64':
        return m.i64.store(0, 1, address, m.i64.trunc_s_sat.f64(value));
      case 'uint64':
        return m.i64.store(0, 1, address, m.i64.trunc_u_sat.f64(value));
      case 'int32':
      case 'uint32':
        return m.i32.store(0, 1, address, integer());
      case 'int16':
      case 'uint16':
        return m.i32.store16(0, 1, address, integer());
      case 'int8':
      case 'uint8':
        return m.i32.store8(0, 1, address, integer());
      case 'bool':
        return m.i32.store8(0, 1, address, m.f64.ne(value, m.f64.const(0)));
    }
  }

  /** What a number becomes in an accumulator of a type. */
  rounded(dtype: DType, value: Expression): Expression {
    const { m } = this.fn;
    const integer = (): Expression => m.i32.wrap(m.i64.trunc_s_sat.f64(value));
    switch (dtype) {
      case 'float32':
        return m.f64.promote(m.f32.demote(value));
      case 'float64':
        return value;
      case 'int64':
      case 'uint64':
        return m.f64.trunc(value);
      case 'int32':
        return m.f64.convert_s.i32(integer());
      case 'uint32':
        return m.f64.convert_u.i32(integer());
      case 'int16':
        return m.f64.convert_s.i32(m.i32.extend16_s(integer()));
      case 'uint16':
        return m.f64.convert_u.i32(m.i32.and(integer(), m.i32.const(65535)));
      case 'int8':
        return m.f64.convert_s.i32(m.i32.extend8_s(integer()));
      case 'uint8':
        return m.f64.convert_u.i32(m.i32.and(integer(), m.i32.const(255)));
      case 'bool':
        return m.f64.convert_u.i32(m.f64.ne(value, m.f64.const(0)));
      case 'float16':
        throw new RegrainError('unsupported', 'sums in float16');
    }
  }
}
