import { liveProfile, type Observations, type Plan } from '@regrain/core-ir';

/** Live bytes of the counted spaces over a run. `bytes[i]` are held during step i; the step ends at `end[i]`, never before its predecessor. */
export interface LiveBytes {
  readonly bytes: Float64Array;
  readonly end: Float64Array;
}

/** Spaces that make up the arena; of a machine that counts none, its first. */
export function countedSpaces({ spaces }: Plan['machine']): readonly number[] {
  const counted = spaces.flatMap((space, i) => (space.counted ? [i] : []));
  return counted.length > 0 ? counted : [0];
}

/** Per step of the plan; without observations every step takes one unit of time. */
export function liveBytes(plan: Plan, seen?: Observations): LiveBytes {
  const steps = plan.steps.length;
  const bytes = new Float64Array(steps);
  for (const space of countedSpaces(plan.machine)) {
    const profile = liveProfile(plan, space);
    for (let i = 0; i < steps; i++) bytes[i] += profile[i + 1];
  }
  const end = new Float64Array(steps);
  let latest = 0;
  for (let i = 0; i < steps; i++) end[i] = latest = Math.max(latest, seen?.end[i] ?? i + 1);
  return { bytes, end };
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
