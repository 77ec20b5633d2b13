import { areaOf, type Layout } from './layout.js';

/** A run that is moved has so many groups, at most, and so many may be in its way. */
const RUN = 64;
const OTHERS = 12;
const PASSES = 3;

/**
 * Moves runs to where they would best lie, if that meets more wishes than it breaks and what is in the way finds a free place elsewhere:
 * local search that only ever improves. O(wishes that are not met × groups that meet a run).
 */
export function closeGaps(layout: Layout): void {
  const { wishes, offsets, work } = layout;
  for (let pass = 0; pass < PASSES; pass++) {
    const open: { readonly a: number; readonly b: number; readonly delta: number; readonly worth: number }[] = [];
    wishes.forEach((list, a) => {
      for (const { group: b, delta, worth } of list)
        if (delta > 0 && delta % layout.groups[b].align === 0 && offsets[a] + delta !== offsets[b]) open.push({ a, b, delta, worth });
    });
    open.sort((x, y) => y.worth - x.worth || x.a - y.a || x.b - y.b);
    let closed = 0;
    for (const { a, b, delta } of open) {
      if (work.left < 0) return;
      const gap = offsets[a] + delta - offsets[b];
      if (gap === 0) continue;
      if (shift(layout, runOf(layout, b, 1), gap) || shift(layout, runOf(layout, a, -1), -gap)) closed++;
      else if (shift(layout, [b], gap) || shift(layout, [a], -gap)) closed++;
    }
    if (closed === 0) return;
  }
}

/** A group and those that lie behind it (or before it) as they would best. */
function runOf({ wishes, offsets }: Layout, g: number, direction: 1 | -1): number[] {
  const run = [g];
  const seen = new Set(run);
  for (let at = g; run.length < RUN; ) {
    const next = wishes[at].find(({ group, delta }) => delta * direction > 0 && offsets[at] + delta === offsets[group] && !seen.has(group));
    if (!next) break;
    at = next.group;
    run.push(at);
    seen.add(at);
  }
  return run;
}

/** Moves groups by so many bytes; what is in the way moves elsewhere. All as before, and false, where that is no gain. */
function shift(layout: Layout, run: readonly number[], by: number): boolean {
  const { groups, offsets } = layout;
  if (!run.every((g) => layout.allows(g, offsets[g] + by))) return false;
  const before = new Map<number, number>(run.map((g) => [g, offsets[g]]));
  const back = (): false => {
    for (const [g, at] of before) offsets[g] = at;
    return false;
  };
  let lost = outerWorth(layout, before.keys(), before);
  for (const g of run) offsets[g] = Number.NaN;
  const others: number[] = [];
  for (const g of run) {
    for (const other of layout.inTheWay(g, (before.get(g) as number) + by)) {
      if (before.has(other)) continue;
      if (groups[other].fixed !== undefined || others.length === OTHERS) return back();
      others.push(other);
      before.set(other, offsets[other]);
    }
  }
  for (const other of others) {
    lost += layout.metBy(other);
    offsets[other] = Number.NaN;
  }
  for (const g of run) offsets[g] = (before.get(g) as number) + by;
  const gained = outerWorth(layout, run, new Set(run));
  if (gained <= lost) return back();
  others.sort((x, y) => areaOf(groups[y]) - areaOf(groups[x]) || x - y);
  for (const other of others) {
    const place = layout.cheapest(other, () => Number.POSITIVE_INFINITY, true);
    if (!place) return back();
    offsets[other] = place.at;
  }
  return true;
}

/** Bytes of wishes that are met between some groups and all others. */
function outerWorth({ wishes, offsets }: Layout, some: Iterable<number>, inside: { has(g: number): boolean }): number {
  let sum = 0;
  for (const g of some) {
    for (const { group, delta, worth } of wishes[g]) if (!inside.has(group) && offsets[g] + delta === offsets[group]) sum += worth;
  }
  return sum;
}
