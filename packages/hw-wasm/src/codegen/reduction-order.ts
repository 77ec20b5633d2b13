import { dimensionsOf, type Operation } from '@regrain/core-ir';
import { productOf } from './product.js';

/**
 * Reduction dimensions, outermost first: of the operation alone, so that float sums are the same to the bit by every kernel and layout. Of
 * products of floats a window's rows and columns come before its channels, of which the last has more than one place if any has.
 */
export function reductionOrder({ domain, operands, body }: Operation): number[] {
  const reduced = domain.flatMap(({ kind }, d) => (kind === 'reduction' ? [d] : []));
  const product = body?.acc === 'float32' ? productOf(body.step) : undefined;
  if (!product) return reduced;
  const { left, right } = product;
  /** A dimension that the other factor has by itself tells groups of channels apart, and slides no window. */
  const tellsGroups = (k: number, d: number): boolean =>
    (k === left || k === right) &&
    operands[k === left ? right : left].map.some(
      (range) => range !== 'all' && typeof range.at === 'object' && 'd' in range.at && range.at.d === d,
    );
  const slides = (d: number): boolean =>
    operands.some(({ map }, k) =>
      map.some((range) => {
        if (range === 'all') return false;
        const dims = dimensionsOf(range.at);
        return dims.has(d) && [...dims].some((other) => other !== d && !tellsGroups(k, other));
      }),
    );
  const rank = (d: number): number => (slides(d) ? 0 : domain[d].extent === 1 ? 1 : 2);
  return reduced.toSorted((a, b) => rank(a) - rank(b));
}
