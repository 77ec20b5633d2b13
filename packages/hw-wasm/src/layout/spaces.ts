import type { Plan } from '@regrain/core-ir/runtime';

const ALIGN = 16;

/** Where the plan's spaces begin in the one memory of the module: the arena first, others behind it. */
export interface SpaceLayout {
  readonly start: readonly number[];
  readonly end: number;
}

export function layoutSpaces(plan: Plan): SpaceLayout {
  let end = 0;
  const start = plan.machine.spaces.map((_, space) => {
    const from = end;
    let top = 0;
    for (const placement of plan.placements) if (placement.space === space) top = Math.max(top, placement.offset + placement.bytes);
    end = Math.ceil((from + top) / ALIGN) * ALIGN;
    return from;
  });
  return { start, end };
}
