import { Gaps } from './gaps.js';
import type { Group } from './groups.js';
import type { Placed } from './place.js';

/** Above so many buffers, placing them in any other order than that of time takes many seconds. */
export const MANY = 250_000;

/**
 * Places single buffers in order of time, forwards or backwards, each in a tight gap between those that live then: what an allocator at
 * run time does. Undefined where offsets are given or buffers are tied.
 * O(n log n).
 */
export function sweep(buffers: number, groups: readonly Group[], forwards: boolean): Placed | undefined {
  if (groups.some(({ pieces, fixed }) => pieces.length > 1 || fixed !== undefined)) return undefined;
  const begin = ({ first, last }: Group): number => (forwards ? first : -last);
  const end = ({ first, last }: Group): number => (forwards ? last : -first);
  const starting = groups.filter(({ bytes }) => bytes > 0).sort((a, b) => begin(a) - begin(b) || end(b) - end(a) || b.bytes - a.bytes);
  const ending = Int32Array.from(starting, (_, k) => k).sort((a, b) => end(starting[a]) - end(starting[b]));
  const gaps = new Gaps();
  const block = new Int32Array(starting.length);
  const offsets = new Float64Array(buffers);
  let height = 0;
  let ended = 0;
  starting.forEach((group, k) => {
    for (; end(starting[ending[ended]]) < begin(group); ended++) gaps.release(block[ending[ended]]);
    block[k] = gaps.take(group.bytes, group.align);
    const offset = gaps.offsetOf(block[k]);
    offsets[group.pieces[0].buffer] = offset;
    height = Math.max(height, offset + group.bytes);
  });
  return { offsets, height };
}
