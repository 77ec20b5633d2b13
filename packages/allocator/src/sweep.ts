import { ascending } from './ascending.js';
import { Gaps } from './gaps.js';
import type { Group } from './groups.js';
import type { Placed } from './place.js';

/** Above so many buffers, placing them in any other order than that of time may take many seconds. */
export const MANY = 20_000;
/** Above so many, they are placed in no other order, and no search is begun. */
export const HUGE = 250_000;

/**
 * Places single buffers in order of time, forwards or backwards, each in a tight gap between those that live then: what an allocator at
 * run time does. Undefined where offsets are given or buffers are tied. O(n log n).
 */
export function sweep(buffers: number, groups: readonly Group[], forwards: boolean): Placed | undefined {
  if (groups.some(({ pieces, fixed }) => pieces.length > 1 || fixed !== undefined)) return undefined;
  const own = groups.filter(({ bytes }) => bytes > 0);
  const begin = new Float64Array(own.length);
  const end = new Float64Array(own.length);
  const size = new Float64Array(own.length);
  for (let k = 0; k < own.length; k++) {
    const { first, last, bytes } = own[k];
    size[k] = bytes;
    begin[k] = forwards ? first : -last;
    end[k] = forwards ? last : -first;
  }
  const ending = ascending(end);
  // Of what begins together, first what ends last.
  const late = ending.slice().reverse();
  const beginning = new Float64Array(late.length);
  for (let k = 0; k < late.length; k++) beginning[k] = begin[late[k]];
  const starting = ascending(beginning).map((position) => late[position]);
  const gaps = new Gaps();
  const block = new Int32Array(own.length);
  const offsets = new Float64Array(buffers);
  let height = 0;
  let ended = 0;
  for (const k of starting) {
    for (; end[ending[ended]] < begin[k]; ended++) gaps.release(block[ending[ended]]);
    block[k] = gaps.take(size[k], own[k].align);
    const offset = gaps.offsetOf(block[k]);
    offsets[own[k].pieces[0].buffer] = offset;
    if (offset + size[k] > height) height = offset + size[k];
  }
  return { offsets, height };
}
