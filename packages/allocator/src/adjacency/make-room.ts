import { areaOf, type Layout } from './layout.js';

/** So many groups are placed, at most, for each that has no place; and at least this many. */
const STEPS_PER_GROUP = 20;
const STEPS = 2000;

/**
 * Finds places for groups that have none, below the cap: each takes the place where what lies in the way is the least loss, and what lay
 * there looks for another. What was moved before resists more, so that it ends (rip-up and re-route as in routing: McMurchie and Ebeling,
 * PathFinder, FPGA 1995). False where it does not end soon.
 */
export function makeRoom(layout: Layout, homeless: readonly number[]): boolean {
  const { groups, offsets, work } = layout;
  const moved = new Uint16Array(groups.length);
  const queue = [...homeless];
  const limit = Math.max(STEPS, STEPS_PER_GROUP * homeless.length);
  const resistance = (other: number): number => {
    const { fixed, first, last, bytes } = groups[other];
    return fixed === undefined ? (layout.metBy(other) + bytes) * (last - first + 1) * (1 + moved[other]) ** 2 : Number.POSITIVE_INFINITY;
  };
  for (let step = 0; queue.length > 0; step++) {
    if (step >= limit || work.left < 0) return false;
    const g = takeLargest(queue, (each) => areaOf(groups[each]));
    // Wishes count the first time only: two that wish for one place would take it from each other for ever.
    const place = layout.cheapest(g, resistance, moved[g] === 0);
    if (!place) return false;
    for (const other of place.others) {
      offsets[other] = Number.NaN;
      moved[other]++;
      queue.push(other);
    }
    offsets[g] = place.at;
    moved[g]++;
  }
  return true;
}

export function takeLargest(queue: number[], sizeOf: (g: number) => number): number {
  let best = 0;
  let most = -1;
  for (let k = 0; k < queue.length; k++) {
    const size = sizeOf(queue[k]);
    if (size > most) [best, most] = [k, size];
  }
  const [found] = queue.splice(best, 1);
  return found;
}
