import type { Packing } from '@regrain/core-ir';
import { ascending } from './ascending.js';
import { Gaps } from './gaps.js';
import type { Placed } from './place.js';

/** Above so many buffers, placing them in any other order than that of time may take many seconds. */
export const MANY = 20_000;
/** Above so many, they are placed in no other order, and no search is begun. */
export const HUGE = 250_000;

/** Whether no buffer has a given offset or is tied to another. */
export function isLoose(buffers: Packing['buffers']): boolean {
  return buffers.every(({ with: tie, fixed }) => tie === undefined && fixed === undefined);
}

/**
 * Places loose buffers in order of time, forwards or backwards, each in a tight gap between those that live then: what an allocator at
 * run time does. O(n log n).
 */
export function sweep(buffers: Packing['buffers'], forwards: boolean): Placed {
  // The buffers that take bytes.
  const own = new Int32Array(buffers.length);
  let count = 0;
  for (let b = 0; b < buffers.length; b++) if (buffers[b].bytes > 0) own[count++] = b;
  const begin = new Float64Array(count);
  const end = new Float64Array(count);
  const size = new Float64Array(count);
  for (let k = 0; k < count; k++) {
    const { first, last, bytes } = buffers[own[k]];
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
  const block = new Int32Array(count);
  const offsets = new Float64Array(buffers.length);
  let height = 0;
  let ended = 0;
  for (const k of starting) {
    for (; end[ending[ended]] < begin[k]; ended++) gaps.release(block[ending[ended]]);
    block[k] = gaps.take(size[k], buffers[own[k]].align);
    const offset = gaps.offsetOf(block[k]);
    offsets[own[k]] = offset;
    if (offset + size[k] > height) height = offset + size[k];
  }
  return { offsets, height };
}
