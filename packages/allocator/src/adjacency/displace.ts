import { areaOf, type Layout } from './layout.js';
import { takeLargest } from './make-room.js';

/**
 * Moves groups by so many bytes; what is in the way moves elsewhere, and up to `steps` moves on may displace others in turn (ejection
 * chains: Glover 1996). All as before, and false, where no more wishes are met than before. O(steps × groups that one meets).
 */
export function displace(layout: Layout, run: readonly number[], by: number, steps: number, chains: boolean): boolean {
  const { groups, offsets, work } = layout;
  if (!run.every((g) => layout.allows(g, offsets[g] + by))) return false;
  const before = new Map<number, number>();
  const moved = new Map<number, number>();
  const queue: number[] = [];
  const frozen = new Set(run);
  /** Bytes of wishes met now less those before, and what those without a place may meet at most. */
  let gained = 0;
  let hoped = 0;
  const take = (g: number): void => {
    if (!before.has(g)) before.set(g, offsets[g]);
    gained -= layout.metBy(g);
    offsets[g] = Number.NaN;
  };
  const put = (g: number, at: number): void => {
    offsets[g] = at;
    gained += layout.metBy(g);
  };
  const evict = (other: number): void => {
    take(other);
    moved.set(other, (moved.get(other) ?? 0) + 1);
    queue.push(other);
    hoped += layout.wishedBy(other);
  };
  const resistance = (other: number): number =>
    chains && groups[other].fixed === undefined && !frozen.has(other)
      ? (layout.metBy(other) + groups[other].bytes) * (1 + (moved.get(other) ?? 0)) ** 2
      : Number.POSITIVE_INFINITY;
  const attempt = (): boolean => {
    for (const g of run) take(g);
    for (const g of run) {
      const at = (before.get(g) as number) + by;
      for (const other of layout.inTheWay(g, at)) {
        if (groups[other].fixed !== undefined || frozen.has(other) || queue.length === steps) return false;
        evict(other);
      }
      put(g, at);
    }
    for (let step = 0; queue.length > 0; step++) {
      if (step === steps || work.left < 0 || gained + hoped <= 0) return false;
      const g = takeLargest(queue, (each) => areaOf(groups[each]));
      hoped -= layout.wishedBy(g);
      const place = layout.cheapest(g, resistance, true);
      if (!place) return false;
      place.others.forEach(evict);
      put(g, place.at);
    }
    return gained > 0;
  };
  if (attempt()) return true;
  for (const [g, at] of before) offsets[g] = at;
  return false;
}
