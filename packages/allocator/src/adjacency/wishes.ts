import type { Packing } from '@regrain/core-ir';
import type { Group } from '../groups.js';

/** Another group that would best begin `delta` bytes behind this one's offset; worth so many bytes. */
export interface Follower {
  readonly group: number;
  readonly delta: number;
  readonly worth: number;
}

/** By group: who would best follow it, the most worth first. Wishes within a group are met or not: nothing can be done about them. */
export function followersOf({ near, buffers }: Packing, groups: readonly Group[]): readonly (readonly Follower[])[] {
  const groupOf = new Int32Array(buffers.length);
  const at = new Float64Array(buffers.length);
  groups.forEach(({ pieces }, g) => {
    for (const piece of pieces) {
      groupOf[piece.buffer] = g;
      at[piece.buffer] = piece.at;
    }
  });
  const followers: Follower[][] = groups.map(() => []);
  for (const [a, b, worth] of near) {
    if (groupOf[a] === groupOf[b]) continue;
    followers[groupOf[a]].push({ group: groupOf[b], delta: at[a] + buffers[a].bytes - at[b], worth });
  }
  for (const list of followers) list.sort((x, y) => y.worth - x.worth || x.group - y.group);
  return followers;
}

/** Bytes of wishes that a placement meets. */
export function contiguousBytes({ near, buffers }: Packing, offsets: ArrayLike<number>): number {
  let bytes = 0;
  for (const [a, b, worth] of near) if (offsets[a] + buffers[a].bytes === offsets[b]) bytes += worth;
  return bytes;
}
