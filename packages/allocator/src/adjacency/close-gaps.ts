import { displace } from './displace.js';
import type { Layout } from './layout.js';

/** Of a run so many groups are moved, at most: tried in turn. */
const LENGTHS = [256, 64, 16, 4, 1];
/** What is in the way finds a free place; or displaces others in turn, so often at most. */
const OTHERS = 12;
const CHAIN = 40;
const PASSES = 4;

interface Seam {
  readonly a: number;
  readonly b: number;
  readonly delta: number;
  readonly worth: number;
}

/**
 * Moves runs to where they would best lie, if that meets more wishes than it breaks: local search that only ever improves. What is in the
 * way finds a free place or, with `chains`, may displace others. O(wishes that are not met × groups that meet a run).
 */
export function closeGaps(layout: Layout, chains: boolean): void {
  const { offsets, work } = layout;
  const steps = chains ? CHAIN : OTHERS;
  for (let pass = 0; pass < PASSES; pass++) {
    let closed = 0;
    for (const { a, b, delta } of missedSeams(layout)) {
      if (work.left < 0) return;
      // Runs as long as one that was tried before are the same run.
      let [behind, before] = [0, 0];
      for (const most of LENGTHS) {
        const gap = offsets[a] + delta - offsets[b];
        if (gap === 0) break;
        const tail = runOf(layout, b, 1, most);
        const head = runOf(layout, a, -1, most);
        const moved =
          (tail.length !== behind && displace(layout, tail, gap, steps, chains)) ||
          (head.length !== before && displace(layout, head, -gap, steps, chains));
        if (moved) closed++;
        [behind, before] = [tail.length, head.length];
      }
    }
    if (closed === 0) return;
  }
}

/** Wishes that are not met and could be, those of the most bytes first. */
function missedSeams({ wishes, groups, offsets }: Layout): Seam[] {
  const missed: Seam[] = [];
  wishes.forEach((list, a) => {
    for (const { group: b, delta, worth } of list)
      if (delta > 0 && delta % groups[b].align === 0 && offsets[a] + delta !== offsets[b]) missed.push({ a, b, delta, worth });
  });
  return missed.sort((x, y) => y.worth - x.worth || x.a - y.a || x.b - y.b);
}

/** A group and those that lie behind it (or before it) as they would best. */
function runOf({ wishes, offsets }: Layout, g: number, direction: 1 | -1, most: number): number[] {
  const run = [g];
  const seen = new Set(run);
  for (let at = g; run.length < most; ) {
    const next = wishes[at].find(({ group, delta }) => delta * direction > 0 && offsets[at] + delta === offsets[group] && !seen.has(group));
    if (!next) break;
    at = next.group;
    run.push(at);
    seen.add(at);
  }
  return run;
}
