import {
  type HardwareTarget,
  type Machine,
  noOptions,
  type Observations,
  type Operation,
  type Plan,
  type Task,
  volume,
} from '@regrain/core-ir';
import { injectable } from 'inversify';

export const wasmOptions = noOptions;

/** One memory, which is the arena; 4 GiB at most. Kernels read channels last. */
export const wasmMachine: Machine = {
  name: 'wasm',
  spaces: [{ name: 'arena', bytes: 2 ** 32 - 65536, align: 4, counted: true }],
  engines: [{ name: 'main', spaces: [0], runs: 'tasks' }],
  home: { input: 0, constant: 0, output: 0 },
  storageOrders: { 4: [0, 2, 3, 1] },
  detail: {},
};

/** Nanoseconds: of a call, of a multiply-accumulate and of a byte, as seen on processors of 2 to 3 GHz. Rough: for comparing grains only. */
const CALL = 60;
const PER_MAC = 0.06;
const PER_POINT = 0.3;
const PER_BYTE = 0.05;

/** WebAssembly in this process: plans for it are run by `WasmSession`; while planning, tasks are costed by a model. */
@injectable()
export class WasmTarget implements HardwareTarget {
  readonly machine = wasmMachine;

  cost(operation: Operation, task: Task, bytes: number): number {
    const points = operation.domain.reduce((product, { extent }) => product * extent, 1);
    const part = points === 0 ? 0 : volume(task.box) / points;
    const written = task.accesses.reduce((sum, { mode, box }) => sum + (mode === 'read' ? 0 : volume(box)), 0);
    return CALL + part * operation.macs * PER_MAC + written * PER_POINT + bytes * PER_BYTE;
  }

  execute(plan: Plan): { readonly seen: Observations } {
    const { steps, decomposition, program } = plan;
    const regions = decomposition.regions.length;
    const seen = {
      unit: 'ns' as const,
      start: new Float64Array(steps.length),
      end: new Float64Array(steps.length),
      waited: new Float64Array(regions),
      busy: new Float64Array(regions),
      read: new Float64Array(regions),
      filled: new Float64Array(regions),
      accesses: new Float64Array(regions),
      coaccess: [],
    };
    let now = 0;
    steps.forEach((step, s) => {
      seen.start[s] = now;
      if (step.kind === 'task') {
        const task = decomposition.tasks[step.task];
        now += this.cost(program.operations[task.operation], task, 0);
      }
      seen.end[s] = now;
    });
    return { seen };
  }
}
