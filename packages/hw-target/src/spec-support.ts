import {
  type Access,
  type Box,
  ELEMENT_BYTES,
  type Machine,
  type Placement,
  type Plan,
  type Step,
  type Tensor,
  volume,
} from '@regrain/core-ir';
import { type MachineInput, machineOf, parseDescription } from './description.js';

/** A small machine whose figures make exact answers easy to count by hand. */
export const toy: MachineInput = {
  name: 'toy',
  clockHz: 1e6,
  spaces: [
    { name: 'fast', bytes: 4096, align: 1, counted: true, bytesPerCycle: 4 },
    { name: 'slow', bytes: null, align: 1, bytesPerCycle: 1 },
  ],
  engines: [
    { name: 'a', runs: 'tasks', spaces: ['fast', 'slow'], dispatchCycles: 10, macsPerCycle: { int: 8, float: 2 }, pointsPerCycle: 1 },
    { name: 'b', runs: 'tasks', spaces: ['fast', 'slow'], dispatchCycles: 10, macsPerCycle: { int: 8, float: 2 }, pointsPerCycle: 1 },
    { name: 'dma', runs: 'moves', spaces: ['fast', 'slow'], startCycles: 100, bytesPerCycle: 2, descriptorCycles: 5 },
  ],
  home: { constant: 'slow' },
};

type Touch = readonly [mode: Access['mode'], tensor: number, box: Box];

export interface Sketch {
  readonly tensors: readonly (Partial<Tensor> & { readonly shape: readonly number[] })[];
  /** Regions by tensor; whole tensors where absent. All are placed for the whole run, in space 0, one behind the other. */
  readonly regions?: Readonly<Record<number, readonly Box[]>>;
  /** Instructions; `cycles` is what each computes. */
  readonly tasks: readonly { readonly cycles: number; readonly touches: readonly Touch[] }[];
  readonly steps: readonly Step[];
  readonly placements?: readonly Placement[];
  readonly machine?: MachineInput;
}

/** A plan from its essentials. */
export function sketch({ tensors, regions = {}, tasks, steps, placements, machine = toy }: Sketch): Plan {
  const full = tensors.map((tensor, i): Tensor => ({ name: `t${i}`, dtype: 'int8', kind: 'computed', ...tensor }));
  const flat = full.flatMap(({ shape, dtype }, instance) =>
    (regions[instance] ?? [shape.map((extent): readonly [number, number] => [0, extent])]).map((box) => ({
      instance,
      box,
      bytes: volume(box) * ELEMENT_BYTES[dtype],
    })),
  );
  let offset = 0;
  const described: Machine = machineOf(parseDescription(machine));
  return {
    format: 'regrain.plan/1',
    program: {
      name: 'sketch',
      tensors: full,
      operations: tasks.map(({ cycles, touches }, i) => ({
        name: `op${i}`,
        type: 'op',
        attributes: {},
        domain: [],
        operands: touches.map(([mode, tensor, box]) => ({ tensor, mode, map: box.map(([lo, hi]) => ({ at: lo, size: hi - lo })) })),
        macs: 0,
        cycles,
      })),
      outputs: [],
      states: [],
      trace: true,
    },
    machine: described,
    constraints: [],
    decomposition: {
      grain: {
        regions: full.map((_, i) => regions[i] ?? []),
        tasks: tasks.map(() => 'owner'),
        order: full.map(() => []),
        recompute: [],
        reduce: [],
      },
      instances: full.map(({ dtype }, tensor) => ({ tensor, role: 'primary', dtype, order: [] })),
      regions: flat,
      tasks: tasks.map(({ touches }, operation) => ({
        operation,
        box: [],
        accesses: touches.map(([mode, instance, box], operand) => ({ operand, instance, box, mode })),
      })),
    },
    steps,
    placements:
      placements ??
      flat.map(({ bytes }, region) => {
        const placed = { holds: { region }, space: 0, offset, bytes, first: 0, last: steps.length + 1 };
        offset += bytes;
        return placed;
      }),
    metrics: { peakBytes: described.spaces.map(() => 0), arenaBytes: described.spaces.map(() => 0), movedBytes: 0, macs: 0, cycles: 0 },
    trials: [],
  };
}

export function task(id: number, engine = 0, waits: readonly number[] = []): Step {
  return { kind: 'task', task: id, engine, waits };
}

export function move(from: number, to: number, engine = 2, waits: readonly number[] = []): Step {
  return { kind: 'move', from, to, engine, waits };
}
