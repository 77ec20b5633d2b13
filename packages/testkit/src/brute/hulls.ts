import type { Access, Box } from '@regrain/core-ir';
import { pointsOf } from './dependences.js';

/** Whether the box holds the point. */
export function inside(point: readonly number[], box: Box): boolean {
  for (let d = 0; d < point.length; d++) if (point[d] < box[d][0] || point[d] >= box[d][1]) return false;
  return true;
}

/** Widens the hull of what an operand touches by a point. */
export function grow(hulls: Map<number, [number, number][]>, operand: number, point: readonly number[]): void {
  const known = hulls.get(operand);
  if (!known)
    hulls.set(
      operand,
      point.map((x) => [x, x + 1]),
    );
  else
    point.forEach((x, d) => {
      known[d] = [Math.min(known[d][0], x), Math.max(known[d][1], x + 1)];
    });
}

/** An operand whose accesses do not cover the hull of what its points touch, or that claims to write more. */
export function hullCovers(
  accesses: readonly Access[],
  hulls: ReadonlyMap<number, readonly (readonly [number, number])[]>,
): number | undefined {
  for (const [operand, hull] of hulls) {
    for (const point of pointsOf(hull)) if (!accesses.some((each) => each.operand === operand && inside(point, each.box))) return operand;
  }
  for (const { operand, mode, box } of accesses) {
    if (mode === 'read') continue;
    const hull = hulls.get(operand);
    if (!hull || !box.every(([lo, hi], d) => hull[d][0] === lo && hull[d][1] === hi)) return operand;
  }
  return undefined;
}
