import type { Context, Packing } from '@regrain/core-ir';
import type { Work } from '../asked.js';
import type { Group } from '../groups.js';
import { loadOf } from '../load.js';
import type { Placed } from '../place.js';
import { closeGaps } from './close-gaps.js';
import { Layout } from './layout.js';
import { makeRoom } from './make-room.js';
import { placeRuns, type Runs } from './runs.js';
import { contiguousBytes, followersOf } from './wishes.js';

/** What runs and their repair, and closing gaps, may look at: some seconds each. */
const WORK = 150_000_000;
const LOCAL = 70_000_000;
/** So many of these are made; all where height may be given for adjacency. */
const FEW = 3;
/** So many times as much work where height may be given for adjacency. */
const EFFORT = 6;
/** Above so many groups nothing is tried. */
const MOST = 1_000_000;
/** Runs need so much more than the load, as a factor; below that they hardly ever fit. */
const ROOM = 1.005;
/** Wishes met to this share are good enough. */
const ENOUGH = 0.99;
/** And to this one where all that is left takes much work. */
const WORTH_NO_MORE = 0.97;

/**
 * Lives are put into classes by powers of two to so many; among places, the lowest whose run is worth at least this share of the best
 * one's is taken. Found by trial on tiled and banded plans of the reference models.
 */
const ATTEMPTS: readonly (readonly [classBits: number, share: number])[] = [
  [5, 0.5],
  [5, 0.7],
  [3, 1],
  [2, 0.9],
  [1.5, 0.3],
  [4, 0.9],
  [3, 0.5],
  [1, 0.7],
  [3, 0.8],
  [1.5, 0.9],
  [3, 0.3],
  [4, 0.3],
  [1, 0.9],
  [3.5, 0.5],
  [1.5, 0.5],
  [2.5, 0.7],
];

/**
 * Of placements no higher than the one at hand and the packing's slack, one in which as many co-accessed bytes as can be found lie one behind the
 * other: a new one by runs, or the one at hand, its gaps closed. Never one that meets fewer wishes than the one at hand.
 */
export function sideBySide(
  packing: Packing,
  groups: readonly Group[],
  atHand: Placed,
  { signal, progress }: Pick<Context, 'signal' | 'progress'>,
): Placed {
  if (packing.near.length === 0 || groups.length > MOST) return atHand;
  const effort = packing.slack ? EFFORT : 1;
  const followers = followersOf(packing, groups);
  const all = packing.near.reduce((sum, [, , worth]) => sum + worth, 0);
  const work: Work = { left: WORK * effort };
  const limit = Math.max(atHand.height, Math.min(packing.capacity, Math.floor(atHand.height * (1 + (packing.slack ?? 0)))));
  let best = atHand;
  let most = contiguousBytes(packing, atHand.offsets);
  const keep = ({ offsets }: Layout): void => {
    const found = placedAs(packing, groups, offsets);
    const bytes = contiguousBytes(packing, found.offsets);
    if (bytes > most) [best, most] = [found, bytes];
  };
  const repair = ({ offsets, homeless }: Runs): void => {
    const layout = new Layout(groups, followers, offsets, limit, work);
    if (!makeRoom(layout, homeless)) return;
    closeGaps(layout, false);
    keep(layout);
  };
  const fine = (): boolean => most >= WORTH_NO_MORE * all;
  const enough = (): boolean => most >= ENOUGH * all || work.left < (fine() ? WORK * (effort - 1) : 0);
  const room = limit >= ROOM * loadOf(groups).bytes;
  const attempts = packing.slack ? ATTEMPTS : ATTEMPTS.slice(0, FEW);
  const later: { readonly runs: Runs; readonly bytes: number }[] = [];
  for (const [k, [classBits, share]] of attempts.entries()) {
    if (!room || enough()) break;
    signal.throwIfAborted();
    progress(k, attempts.length, 'adjacency');
    const runs = placeRuns(packing.buffers.length, groups, followers, orderOf(groups, classBits), limit, share, work);
    if (runs.homeless.length === 0) repair(runs);
    else later.push({ runs, bytes: contiguousBytes(packing, placedAs(packing, groups, runs.offsets).offsets) });
  }
  // Making room costs far more than runs do, and ends the better the more they met before.
  for (const { runs } of later.sort((x, y) => y.bytes - x.bytes)) {
    if (enough()) break;
    signal.throwIfAborted();
    repair(runs);
  }
  const offsets = Float64Array.from(groups, ({ pieces }) => best.offsets[pieces[0].buffer] - pieces[0].at);
  const layout = new Layout(groups, followers, offsets, limit, { left: LOCAL * (fine() ? 1 : effort) });
  closeGaps(layout, false);
  closeGaps(layout, true);
  keep(layout);
  return best;
}

/** Long lives first, by classes, and within a class in order of time. */
function orderOf(groups: readonly Group[], classBits: number): number[] {
  const lifeClass = Float64Array.from(groups, ({ first, last }) => Math.floor(Math.log2(last - first + 1) / classBits));
  return [...groups.keys()].sort(
    (a, b) => lifeClass[b] - lifeClass[a] || groups[a].first - groups[b].first || groups[b].last - groups[a].last || a - b,
  );
}

function placedAs({ buffers }: Packing, groups: readonly Group[], at: Float64Array): Placed {
  const offsets = new Float64Array(buffers.length);
  let height = 0;
  groups.forEach(({ pieces, bytes }, g) => {
    for (const piece of pieces) offsets[piece.buffer] = at[g] + piece.at;
    height = Math.max(height, at[g] + bytes);
  });
  return { offsets, height };
}
