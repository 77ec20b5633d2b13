import type { Scalar } from '@regrain/core-ir';

/** Short constructors of scalar bodies over the names of `SCALAR_FUNCTIONS`. */
export const x = (operand: number): Scalar => ({ x: operand });
export const call = (fn: string, ...args: Scalar[]): Scalar => ({ fn, args });

export const add = (a: Scalar, b: Scalar): Scalar => (a === 0 ? b : b === 0 ? a : call('add', a, b));
export const sub = (a: Scalar, b: Scalar): Scalar => (b === 0 ? a : call('sub', a, b));
export const mul = (a: Scalar, b: Scalar): Scalar => (a === 1 ? b : b === 1 ? a : call('mul', a, b));
export const div = (a: Scalar, b: Scalar): Scalar => (b === 1 ? a : call('div', a, b));
export const min = (a: Scalar, b: Scalar): Scalar => call('min', a, b);
export const max = (a: Scalar, b: Scalar): Scalar => call('max', a, b);

/** Limits to `[low, high]`; an infinite limit is left out. */
export function clamp(value: Scalar, low: Scalar, high: Scalar): Scalar {
  const raised = low === Number.NEGATIVE_INFINITY ? value : max(value, low);
  return high === Number.POSITIVE_INFINITY ? raised : min(raised, high);
}

/** `condition` (0 or not) chooses. */
export const select = (condition: Scalar, then: Scalar, otherwise: Scalar): Scalar => call('select', condition, then, otherwise);
