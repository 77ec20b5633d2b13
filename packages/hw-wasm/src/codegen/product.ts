import type { Scalar } from '@regrain/core-ir';

export interface Product {
  readonly left: number;
  readonly right: number;
  readonly zeroLeft: number;
  readonly zeroRight: number;
}

/** `acc + x × w`, where either may have a constant subtracted. */
export function productOf(step: Scalar): Product | undefined {
  if (typeof step !== 'object' || !('fn' in step) || step.fn !== 'add' || step.args[0] !== 'acc') return undefined;
  const product = step.args[1];
  if (typeof product !== 'object' || !('fn' in product) || product.fn !== 'mul') return undefined;
  const [left, right] = product.args.map(shifted);
  return left && right && { left: left.x, right: right.x, zeroLeft: left.zero, zeroRight: right.zero };
}

function shifted(value: Scalar): { readonly x: number; readonly zero: number } | undefined {
  if (typeof value !== 'object') return undefined;
  if ('x' in value) return { x: value.x, zero: 0 };
  if (value.fn !== 'sub' || typeof value.args[0] !== 'object' || !('x' in value.args[0]) || typeof value.args[1] !== 'number')
    return undefined;
  return { x: value.args[0].x, zero: value.args[1] };
}
