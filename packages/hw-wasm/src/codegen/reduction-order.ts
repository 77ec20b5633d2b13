import { dimensionsOf, type Operation } from '@regrain/core-ir';
import { productOf } from './product.js';

/**
 * Reduction dimensions, outermost first: of the operation alone, so that float sums are the same to the bit by every kernel and layout. Of
 * products of floats a window's rows and columns come before its channels.
 */
export function reductionOrder({ domain, operands, body }: Operation): number[] {
  const reduced = domain.flatMap(({ kind }, d) => (kind === 'reduction' ? [d] : []));
  if (body?.acc !== 'float32' || !productOf(body.step)) return reduced;
  const shares = (d: number): boolean =>
    operands.some(({ map }) =>
      map.some((range) => {
        if (range === 'all') return false;
        const dims = dimensionsOf(range.at);
        return dims.has(d) && dims.size > 1;
      }),
    );
  return [...reduced.filter(shares), ...reduced.filter((d) => !shares(d))];
}
