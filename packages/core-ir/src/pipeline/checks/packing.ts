import { PluginError } from '../../errors.js';
import type { Packed, Packing } from '../../extension-points/allocator.js';

/**
 * An allocator's result: whole offsets within the capacity, aligned, fixed ones kept, tied ones at their distance, and no two buffers
 * that live at one time in the same bytes unless they are tied. Sweeps the time with the live buffers sorted by offset:
 * O(n log n) search and, in the worst case, O(n × live) moves of small integers.
 */
export function checkPacking(plugin: string, problem: Packing, packed: Packed): void {
  const fail = (invariant: string): never => {
    throw new PluginError(plugin, invariant);
  };
  const { buffers, capacity } = problem;
  if (!packed.ok) {
    if (!(packed.required > 0)) fail(`a packing that fails says how many bytes are required, not ${packed.required}`);
    return;
  }
  const { offsets, height } = packed;
  if (!(offsets instanceof Float64Array) || offsets.length !== buffers.length)
    fail(`a packing has an offset for each of ${buffers.length} buffers`);
  let top = 0;
  for (let b = 0; b < buffers.length; b++) {
    const { bytes, align, fixed, with: tie } = buffers[b];
    const at = offsets[b];
    if (!Number.isSafeInteger(at) || at < 0) fail(`offsets are whole and not negative, but buffer ${b} is at ${at}`);
    if (at + bytes > capacity) fail(`buffers lie within the capacity of ${capacity}, but buffer ${b} ends at ${at + bytes}`);
    if (fixed !== undefined && at !== fixed) fail(`given offsets are kept, but buffer ${b} is at ${at}, not ${fixed}`);
    if (tie && at !== offsets[tie.buffer] + tie.delta)
      fail(
        `a tied buffer lies ${tie.delta} bytes behind its partner, but buffer ${b} is at ${at} and ${tie.buffer} at ${offsets[tie.buffer]}`,
      );
    if (!tie && fixed === undefined && at % align !== 0) fail(`offsets are aligned to ${align}, but buffer ${b} is at ${at}`);
    top = Math.max(top, at + bytes);
  }
  if (height < top) fail(`the height is the highest byte used, but is ${height} for ${top}`);
  const clash = overlapOf(problem, offsets);
  if (clash)
    fail(
      `buffers that live at one time share no byte, but ${clash[0]} at ${offsets[clash[0]]} and ${clash[1]} at ${offsets[clash[1]]} do (${buffers[clash[0]].bytes} and ${buffers[clash[1]].bytes} bytes)`,
    );
}

/** Two buffers that share a byte at one time without being tied; undefined if there are none. */
function overlapOf({ buffers }: Packing, offsets: Float64Array): readonly [number, number] | undefined {
  const family = Int32Array.from(buffers.keys());
  const find = (b: number): number => {
    while (family[b] !== b) b = family[b] = family[family[b]];
    return b;
  };
  const tied = new Uint8Array(buffers.length);
  buffers.forEach(({ with: tie }, b) => {
    if (!tie) return;
    family[find(b)] = find(tie.buffer);
    tied[b] = tied[tie.buffer] = 1;
  });
  const starts = Int32Array.from(buffers.keys()).sort((a, b) => buffers[a].first - buffers[b].first || a - b);
  const ends = Int32Array.from(buffers.keys()).sort((a, b) => buffers[a].last - buffers[b].last || a - b);
  const live: number[] = [];
  const place = (b: number): number => {
    let lo = 0;
    let hi = live.length;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      const other = live[mid];
      if (offsets[other] < offsets[b] || (offsets[other] === offsets[b] && other < b)) lo = mid + 1;
      else hi = mid;
    }
    return lo;
  };
  let ended = 0;
  for (const b of starts) {
    const { first, bytes } = buffers[b];
    for (; ended < ends.length && buffers[ends[ended]].last < first; ended++) {
      const at = place(ends[ended]);
      if (live[at] === ends[ended]) live.splice(at, 1);
    }
    if (bytes === 0) continue;
    const at = place(b);
    // Tied buffers may lie in each other, so only an untied neighbour shows that nothing further away reaches here.
    for (let k = at - 1; k >= 0; k--) {
      const other = live[k];
      if (offsets[other] + buffers[other].bytes > offsets[b] && find(other) !== find(b)) return [other, b];
      if (!tied[other]) break;
    }
    for (let k = at; k < live.length; k++) {
      const other = live[k];
      if (offsets[other] >= offsets[b] + bytes) break;
      if (find(other) !== find(b)) return [other, b];
    }
    live.splice(at, 0, b);
  }
  return undefined;
}
