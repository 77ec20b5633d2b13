import { describe, expect, it } from 'vitest';
import type { Plan } from '../ir/plan.js';
import type { Program } from '../ir/program.js';
import { sharingOf } from './packing.js';

const program = { tensors: [{ name: 'x', shape: [12], dtype: 'uint8', kind: 'computed' }], operations: [] } as unknown as Program;

/** One task reads three regions of 4, 6 and 2 bytes; each placement [offset, space]. */
function planOf(placements: readonly (readonly [offset: number, space: number])[], align = 1): Plan {
  const boxes = [[[0, 4]], [[4, 10]], [[10, 12]]] as const;
  const bytes = [4, 6, 2];
  return {
    program,
    machine: { spaces: [{ align }, { align }] },
    decomposition: {
      instances: [{ tensor: 0, role: 'primary', dtype: 'uint8', order: [] }],
      regions: boxes.map((box, k) => ({ instance: 0, box, bytes: bytes[k] })),
      tasks: [{ operation: 0, box: [[0, 12]], accesses: [{ operand: 0, instance: 0, box: [[0, 12]], mode: 'read' }] }],
    },
    steps: [{ kind: 'task', task: 0, engine: 0, waits: [] }],
    placements: placements.map(([offset, space], region) => ({
      holds: { region },
      space,
      offset,
      bytes: bytes[region],
      first: 0,
      last: 1,
    })),
  } as unknown as Plan;
}

describe('sharingOf', () => {
  it.each([
    ['all side by side', [0, 4, 10], [0, 0, 0], 1],
    ['the last one apart', [0, 4, 12], [0, 0, 0], 6 / 8],
    ['the last one before the others', [2, 6, 0], [0, 0, 0], 6 / 8],
    ['the last one in another space', [0, 4, 10], [0, 0, 1], 6 / 8],
    ['all apart', [20, 4, 12], [0, 0, 0], 0],
  ] as const)('counts bytes behind seams: %s', (_, offsets, spaces, share) => {
    expect(sharingOf(planOf(offsets.map((offset, k) => [offset, spaces[k]]))).met).toBe(share);
  });

  it('knows what alignment and spaces keep apart', () => {
    const together = [
      [0, 0],
      [4, 0],
      [12, 0],
    ] as const;
    expect(sharingOf(planOf(together, 4)).possible).toBe(6 / 8);
    expect(sharingOf(planOf(together, 16)).possible).toBe(0);
    expect(sharingOf(planOf([together[0], together[1], [10, 1]])).possible).toBe(6 / 8);
  });

  it('is 1 where no read meets a seam', () => {
    expect(sharingOf({ ...planOf([]), steps: [] })).toEqual({ met: 1, possible: 1 });
  });
});
