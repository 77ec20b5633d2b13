import type { Lanes } from './lanes.js';
import type { LaneValues } from './values.js';

/** A function of integers of 32 bits that gives one; undefined for other values and functions. */
export function inIntegers(code: LaneValues, name: string, args: readonly Lanes[]): Lanes | undefined {
  const { i32x4 } = code.fn.m;
  const integers = args.flatMap((each) => (each.kind === 'i32' ? [each.v] : []));
  if (integers.length < args.length) return undefined;
  const [x, y, z] = integers;
  switch (name) {
    case 'add':
      return code.keep('i32', i32x4.add(x(), y()));
    case 'sub':
      return code.keep('i32', i32x4.sub(x(), y()));
    case 'mul':
      return code.keep('i32', i32x4.mul(x(), y()));
    case 'max':
      return code.keep('i32', i32x4.max_s(x(), y()));
    case 'min':
      return code.keep('i32', i32x4.min_s(x(), y()));
    case 'clamp':
      return code.keep('i32', i32x4.min_s(code.fn.keep(code.fn.wasm.v128, i32x4.max_s(x(), y()))(), z()));
    case 'roundEven':
    case 'round':
    case 'floor':
    case 'ceil':
    case 'trunc':
      return args[0];
    case 'neg':
      return code.keep('i32', i32x4.neg(x()));
    case 'abs':
      return code.keep('i32', i32x4.abs(x()));
    default:
      return undefined;
  }
}
