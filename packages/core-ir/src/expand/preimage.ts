import type { Box } from '../ir/box.js';
import { shifted } from '../ir/index-map.js';
import type { Operand, Operation } from '../ir/program.js';

/**
 * The box of the domain whose points write `box` of the tensor: exact, as write maps are one parallel dimension plus a constant per
 * tensor dimension. Dimensions that the map does not use stay whole. Undefined where the operation writes nothing of `box`. Sides of
 * `box` that stay as they are are shared with the result.
 */
export function preimage(operation: Operation, write: Operand, box: Box): Box | undefined {
  const result: Box[number][] = new Array(operation.domain.length).fill(undefined);
  for (let dimension = 0; dimension < box.length; dimension++) {
    const range = write.map[dimension];
    const side = box[dimension];
    const at = shifted(range);
    if (at === undefined) continue; // 'all', written as a whole
    if (at.d < 0) {
      const size = (range as { size?: number }).size ?? 1;
      if (at.offset >= side[1] || at.offset + size <= side[0]) return undefined;
      continue;
    }
    const before = result[at.d];
    const from = before ? before[0] : 0;
    const to = before ? before[1] : operation.domain[at.d].extent;
    const lo = Math.max(from, side[0] - at.offset);
    const hi = Math.min(to, side[1] - at.offset);
    if (hi <= lo) return undefined;
    result[at.d] = at.offset === 0 && lo === side[0] && hi === side[1] ? side : [lo, hi];
  }
  for (let d = 0; d < result.length; d++) result[d] ??= [0, operation.domain[d].extent];
  return result;
}

/** The operand that decides an operation's tasks: its first write (or accumulate). */
export function ownerOperand(operation: Operation): number {
  return operation.operands.findIndex(({ mode }) => mode !== 'read');
}
