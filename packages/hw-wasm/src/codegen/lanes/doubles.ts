import type { Expression, Local } from '../function-builder.js';
import { type Lanes, ZERO } from './lanes.js';
import type { LaneValues } from './values.js';

/** A function of the IR in double precision; undefined where WebAssembly needs the host for it. */
export function inDoubles(code: LaneValues, name: string, args: readonly Lanes[]): Lanes | undefined {
  const { m } = code.fn;
  const { f64x2 } = m;
  const values = args.map((argument) => code.f64(argument));
  const each = (compute: (a: Local, b: Local, c: Local) => Expression): Lanes => {
    const [low, high] = (['low', 'high'] as const).map((side) => {
      const [a, b, c] = values.map((value) => value[side]);
      return compute(a, b, c);
    });
    return code.pair(low, high);
  };
  switch (name) {
    case 'add':
      return each((a, b) => f64x2.add(a(), b()));
    case 'sub':
      return each((a, b) => f64x2.sub(a(), b()));
    case 'mul':
      return each((a, b) => f64x2.mul(a(), b()));
    case 'div':
      return each((a, b) => f64x2.div(a(), b()));
    case 'max':
      return each((a, b) => f64x2.max(a(), b()));
    case 'min':
      return each((a, b) => f64x2.min(a(), b()));
    case 'clamp':
      return each((a, b, c) => f64x2.min(f64x2.max(a(), b()), c()));
    case 'sqrt':
      return each((a) => f64x2.sqrt(a()));
    case 'neg':
      return each((a) => f64x2.neg(a()));
    case 'abs':
      return each((a) => f64x2.abs(a()));
    case 'floor':
      return each((a) => f64x2.floor(a()));
    case 'ceil':
      return each((a) => f64x2.ceil(a()));
    case 'trunc':
      return each((a) => f64x2.trunc(a()));
    case 'round':
    case 'roundEven':
      return each((a) => f64x2.nearest(a()));
    case 'select':
      return each((a, b, c) => m.v128.bitselect(c(), b(), f64x2.eq(a(), m.v128.const(ZERO))));
    default:
      return undefined;
  }
}
