import { describe, expect, it } from 'vitest';
import type { Residency } from '../extension-points/mover.js';
import type { Box } from '../ir/box.js';
import { wholeTensorGrain } from '../ir/grain.js';
import type { Machine } from '../ir/machine.js';
import type { Program } from '../ir/program.js';
import type { Drafted } from './draft.js';
import { mergedGrain } from './merged-regions.js';

const COLUMNS = 4;
const machine = { spaces: [{ name: 'sram', bytes: Number.POSITIVE_INFINITY, align: 16, counted: true }] } as unknown as Machine;

/** Two rows of four pixels of so many bytes, one pixel of each alive at a time; how many regions each has where the load may grow by a share. */
function regionsOf(channels: readonly [number, number], wished: readonly [number, number], slack: number): number[] {
  const boxes = channels.map((count) =>
    Array.from(
      { length: COLUMNS },
      (_, k): Box => [
        [0, 1],
        [0, count],
        [0, 1],
        [k, k + 1],
      ],
    ),
  );
  const program = {
    tensors: channels.map((count, t) => ({ name: `x${t}`, shape: [1, count, 1, COLUMNS], dtype: 'int8', kind: 'activation' })),
    operations: [],
  } as unknown as Program;
  const residencies = boxes.flatMap((list, t) =>
    list.map((_, k): Residency => ({ holds: { region: t * COLUMNS + k }, space: 0, bytes: channels[t], first: k + 1, last: k + 1 })),
  );
  const draft = {
    by: {},
    grain: { ...wholeTensorGrain(program), regions: boxes },
    work: {
      instances: channels.map((_, tensor) => ({ tensor, role: 'primary', dtype: 'int8', order: [0, 2, 3, 1] })),
      regions: boxes.flatMap((list, t) => list.map((box) => ({ instance: t, box, bytes: channels[t] }))),
      tasks: [],
    },
    residencies,
    steps: Array.from({ length: COLUMNS }, () => ({ kind: 'task', task: 0, engine: 0, waits: [] })),
  } as unknown as Drafted<'grain' | 'work' | 'residencies' | 'steps'>;
  const near = wished.map((bytes, t) => [t * COLUMNS, t * COLUMNS + 1, bytes] as const);
  const grain = mergedGrain(program, draft, machine, new Set(), near, { least: 2, room: 1, slack });
  return (grain?.regions ?? boxes).map((list) => list.length);
}

describe('mergedGrain, where only one of two tensors finds room', () => {
  it('merges the one of which more is wished', () => {
    expect(regionsOf([16, 16], [8, 9], 0.5)).toEqual([4, 2]);
    expect(regionsOf([16, 16], [9, 8], 0.5)).toEqual([2, 4]);
  });

  it('merges the one that alignment keeps apart, however little is wished of it', () => {
    expect(regionsOf([16, 24], [99, 1], 0.34)).toEqual([4, 2]);
  });

  it('merges both, or none, as there is room', () => {
    expect(regionsOf([16, 24], [99, 1], 0.67)).toEqual([2, 2]);
    expect(regionsOf([16, 24], [99, 1], 0.3)).toEqual([4, 4]);
  });
});
