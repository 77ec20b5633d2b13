import type { DependenceAnalyzer, Placement, Plan } from '@regrain/core-ir';
import { RAW, WAR, WAW } from '@regrain/core-ir';

const identity = [{ at: { d: 0 } }];
const unary = (name: string, from: number, to: number): Plan['program']['operations'][number] => ({
  name,
  type: 'Relu',
  attributes: {},
  domain: [{ extent: 8, kind: 'parallel' }],
  operands: [
    { tensor: from, mode: 'read', map: identity },
    { tensor: to, mode: 'write', map: identity },
  ],
  macs: 0,
});

/** `y = second(first(x))` over 8 bytes: x and t in two regions of 4, y whole; `placements` as given, in the order x0, x1, t0, t1, y. */
export function tinyPlan(placements: readonly (readonly [offset: number, first: number, last: number])[]): Plan {
  const halves = [[[0, 4]], [[4, 8]]] as const;
  const bytes = [4, 4, 4, 4, 8];
  return {
    format: 'regrain.plan/1',
    program: {
      name: 'tiny',
      tensors: [
        { name: 'x', shape: [8], dtype: 'uint8', kind: 'input' },
        { name: 't', shape: [8], dtype: 'uint8', kind: 'computed' },
        { name: 'y', shape: [8], dtype: 'uint8', kind: 'computed' },
      ],
      operations: [unary('first', 0, 1), unary('second', 1, 2)],
      outputs: [2],
      states: [],
    },
    machine: {
      name: 'one',
      spaces: [{ name: 'memory', bytes: Number.POSITIVE_INFINITY, align: 1, counted: true }],
      engines: [{ name: 'core', spaces: [0], runs: 'tasks' }],
      home: { input: 0, constant: 0, output: 0 },
      detail: null,
    },
    constraints: [],
    decomposition: {
      grain: { regions: [halves, halves, []], tasks: ['owner', 'owner'], order: [[], [], []], recompute: [], reduce: [] },
      instances: [0, 1, 2].map((tensor) => ({ tensor, role: 'primary', dtype: 'uint8', order: [] }) as const),
      regions: [
        { instance: 0, box: [[0, 4]], bytes: 4 },
        { instance: 0, box: [[4, 8]], bytes: 4 },
        { instance: 1, box: [[0, 4]], bytes: 4 },
        { instance: 1, box: [[4, 8]], bytes: 4 },
        { instance: 2, box: [[0, 8]], bytes: 8 },
      ],
      tasks: [
        ...halves.map(
          (box) =>
            ({
              operation: 0,
              box,
              accesses: [
                { operand: 0, instance: 0, box, mode: 'read' },
                { operand: 1, instance: 1, box, mode: 'write' },
              ],
            }) as const,
        ),
        {
          operation: 1,
          box: [[0, 8]],
          accesses: [
            { operand: 0, instance: 1, box: [[0, 8]], mode: 'read' },
            { operand: 1, instance: 2, box: [[0, 8]], mode: 'write' },
          ],
        },
      ],
    },
    steps: [0, 1, 2].map((task) => ({ kind: 'task', engine: 0, waits: [], task }) as const),
    placements: placements.map(
      ([offset, first, last], region): Placement => ({ holds: { region }, space: 0, offset, bytes: bytes[region], first, last }),
    ),
    metrics: { peakBytes: [0], arenaBytes: [0], movedBytes: 0, macs: 0, cycles: 3 },
    trials: [],
  };
}

/** All pairs of tasks by the boxes of their accesses; right where no write covers an earlier one between two accesses. */
export const allPairs: DependenceAnalyzer = {
  analyze({ tasks }) {
    const row = [0];
    const from: number[] = [];
    const kinds: number[] = [];
    tasks.forEach((later, t) => {
      for (let p = 0; p < t; p++) {
        let kind = 0;
        for (const a of tasks[p].accesses) {
          for (const b of later.accesses) {
            if (a.instance !== b.instance || !a.box.every(([lo, hi], d) => lo < b.box[d][1] && b.box[d][0] < hi)) continue;
            if (a.mode !== 'read' && b.mode === 'read') kind |= RAW;
            if (a.mode === 'read' && b.mode !== 'read') kind |= WAR;
            if (a.mode !== 'read' && b.mode !== 'read') kind |= WAW;
          }
        }
        if (kind) {
          from.push(p);
          kinds.push(kind);
        }
      }
      row.push(from.length);
    });
    return { row: Int32Array.from(row), from: Int32Array.from(from), kinds: Uint8Array.from(kinds) };
  },
};
