import type { Observations, Plan } from '@regrain/core-ir';

/** Live bytes of the counted spaces over a run. `bytes[i]` are held during step i; the step ends at `end[i]`, never before its predecessor. */
export interface LiveBytes {
  readonly bytes: Float64Array;
  readonly end: Float64Array;
}

/**
 * Per step, as `Metrics.peakBytes` counts: the addresses that any placement holds. A placement that takes over the bytes of another
 * shares them for one step, so shared addresses must not count twice.
 */
export function liveBytes(plan: Plan, seen?: Observations): LiveBytes {
  const steps = plan.steps.length;
  const change = new Float64Array(steps + 3);
  for (const { first, last, bytes, space } of plan.placements) {
    if (!plan.machine.spaces[space].counted) continue;
    change[first] += bytes;
    change[last + 1] -= bytes;
  }
  for (const { at, bytes } of takeovers(plan)) {
    change[at] -= bytes;
    change[at + 1] += bytes;
  }
  const bytes = new Float64Array(steps);
  const end = new Float64Array(steps);
  let live = change[0];
  let latest = 0;
  for (let i = 0; i < steps; i++) {
    live += change[i + 1];
    bytes[i] = live;
    latest = Math.max(latest, seen?.end[i] ?? i + 1);
    end[i] = latest;
  }
  return { bytes, end };
}

/** Where the last step of one placement is the first of another at the same offset of the same space. */
function takeovers(plan: Plan): { readonly at: number; readonly bytes: number }[] {
  const ending = new Map<string, number>();
  const key = (space: number, offset: number, at: number): string => `${space}:${offset}:${at}`;
  for (const { space, offset, last, bytes } of plan.placements) ending.set(key(space, offset, last), bytes);
  const found: { at: number; bytes: number }[] = [];
  for (const { space, offset, first, last, bytes } of plan.placements) {
    if (!plan.machine.spaces[space].counted || first === last) continue;
    const other = ending.get(key(space, offset, first));
    if (other !== undefined) found.push({ at: first, bytes: Math.min(other, bytes) });
  }
  return found;
}

/** The most live bytes in each of `columns` equal parts of `[0, until]`; a step counts in every part that it touches. */
export function columnsOf({ bytes, end }: LiveBytes, columns: number, until: number): Float64Array {
  const result = new Float64Array(columns);
  const column = (time: number): number => Math.min(columns - 1, Math.max(0, Math.floor((time / until) * columns)));
  let from = 0;
  for (let i = 0; i < bytes.length; i++) {
    // A step that ends on a border does not reach into the next part.
    const last = Math.max(column(from), Math.min(columns - 1, Math.ceil((end[i] / until) * columns) - 1));
    for (let c = column(from); c <= last; c++) result[c] = Math.max(result[c], bytes[i]);
    from = end[i];
  }
  return result;
}
