import type { Expression, FunctionBuilder, Local } from '../function-builder.js';
import { exp, tanh } from './elementary.js';
import { type Lanes, ZERO } from './lanes.js';
import type { LaneValues } from './values.js';

/** A function of the IR in single precision; undefined where WebAssembly needs the host for it. */
export function inFloats(code: LaneValues, name: string, args: readonly Lanes[]): Lanes | undefined {
  const { m, wasm } = code.fn;
  const { f32x4 } = m;
  const values = args.map((argument) => code.f32(argument));
  const [a, b, c] = values;
  const one = (): Expression => f32x4.splat(m.f32.const(1));
  const truth = (mask: Expression): Lanes => code.keep('f32', m.v128.and(mask, one()));
  switch (name) {
    case 'add':
      return code.keep('f32', f32x4.add(a(), b()));
    case 'sub':
      return code.keep('f32', f32x4.sub(a(), b()));
    case 'mul':
      return code.keep('f32', f32x4.mul(a(), b()));
    case 'div':
      return code.keep('f32', f32x4.div(a(), b()));
    case 'max':
      return code.keep('f32', code.greater(a, b));
    case 'min':
      return code.keep('f32', code.less(a, b));
    case 'clamp': {
      const raised = code.fn.keep(wasm.v128, code.greater(a, b));
      return code.keep('f32', code.less(raised, c));
    }
    case 'reciprocal':
      return code.keep('f32', f32x4.div(one(), a()));
    case 'sqrt':
      return code.keep('f32', f32x4.sqrt(a()));
    case 'fround':
      return { kind: 'f32', v: a };
    case 'round':
    case 'roundEven':
    case 'floor':
    case 'ceil':
    case 'trunc':
    case 'neg':
    case 'abs':
      return code.keep('f32', unary(code.fn, name, a));
    case 'eq':
      return truth(f32x4.eq(a(), b()));
    case 'ne':
      return truth(f32x4.ne(a(), b()));
    case 'lt':
      return truth(f32x4.lt(a(), b()));
    case 'le':
      return truth(f32x4.le(a(), b()));
    case 'gt':
      return truth(f32x4.gt(a(), b()));
    case 'ge':
      return truth(f32x4.ge(a(), b()));
    case 'select':
      return code.keep('f32', m.v128.bitselect(c(), b(), f32x4.eq(a(), m.v128.const(ZERO))));
    case 'exp':
      return { kind: 'f32', v: exp(code.fn, a) };
    case 'sigmoid': {
      const negative = code.fn.keep(wasm.v128, f32x4.neg(a()));
      const power = exp(code.fn, negative);
      return code.keep('f32', f32x4.div(one(), f32x4.add(one(), power())));
    }
    case 'tanh':
      return { kind: 'f32', v: tanh(code.fn, a) };
    default:
      return undefined;
  }
}

/** What gives a float of floats without rounding, so the same in single precision as in double; undefined for all else. */
export function inExactFloats(code: LaneValues, name: string, args: readonly Lanes[]): Lanes | undefined {
  const floats = args.flatMap((each) => (each.kind === 'f32' ? [each.v] : []));
  if (floats.length < args.length) return undefined;
  const [a, b] = floats;
  if (UNARY.has(name)) return code.keep('f32', unary(code.fn, name, a));
  const { f32x4 } = code.fn.m;
  if (name === 'max') return code.keep('f32', f32x4.max(a(), b()));
  if (name === 'min') return code.keep('f32', f32x4.min(a(), b()));
  return undefined;
}

/** What rounds, and what changes the sign alone. */
const UNARY: ReadonlySet<string> = new Set(['roundEven', 'round', 'floor', 'ceil', 'trunc', 'neg', 'abs']);

function unary(fn: FunctionBuilder, name: string, a: Local): Expression {
  const { f32x4 } = fn.m;
  switch (name) {
    case 'floor':
      return f32x4.floor(a());
    case 'ceil':
      return f32x4.ceil(a());
    case 'trunc':
      return f32x4.trunc(a());
    case 'neg':
      return f32x4.neg(a());
    case 'abs':
      return f32x4.abs(a());
    default:
      return f32x4.nearest(a());
  }
}
