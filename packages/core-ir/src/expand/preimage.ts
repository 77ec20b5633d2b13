import type { Box } from '../ir/box.js';
import { shifted } from '../ir/index-map.js';
import { domainBox, type Operand, type Operation } from '../ir/program.js';

/**
 * The box of the domain whose points write `box` of the tensor: exact, as write maps are one parallel dimension plus a constant per
 * tensor dimension. Dimensions that the map does not use stay whole. Undefined where the operation writes nothing of `box`.
 */
export function preimage(operation: Operation, write: Operand, box: Box): Box | undefined {
  const result = domainBox(operation).map(([lo, hi]) => [lo, hi] as [number, number]);
  for (let dimension = 0; dimension < box.length; dimension++) {
    const range = write.map[dimension];
    const [lo, hi] = box[dimension];
    const at = shifted(range);
    if (at === undefined) continue; // 'all', written as a whole
    if (at.d < 0) {
      const size = (range as { size?: number }).size ?? 1;
      if (at.offset >= hi || at.offset + size <= lo) return undefined;
      continue;
    }
    result[at.d][0] = Math.max(result[at.d][0], lo - at.offset);
    result[at.d][1] = Math.min(result[at.d][1], hi - at.offset);
    if (result[at.d][1] <= result[at.d][0]) return undefined;
  }
  return result;
}

/** The operand that decides an operation's tasks: its first write (or accumulate). */
export function ownerOperand(operation: Operation): number {
  return operation.operands.findIndex(({ mode }) => mode !== 'read');
}
