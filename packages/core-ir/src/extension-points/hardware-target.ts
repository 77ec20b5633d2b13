import type { Decomposition, Task } from '../ir/decomposition.js';
import type { Edit } from '../ir/grain.js';
import type { Machine } from '../ir/machine.js';
import type { Observations } from '../ir/observations.js';
import type { Plan } from '../ir/plan.js';
import type { Operation } from '../ir/program.js';
import type { Now } from './context.js';
import type { Tracker } from './dependence-analyzer.js';

/** A machine that plans are made for and run on: simulated, or real. */
export interface HardwareTarget {
  readonly machine: Machine;
  /** What a task takes on its engine, in the observations' unit. */
  cost(operation: Operation, task: Task, bytes: number): number;
  execute(
    plan: Plan,
    constants?: Uint8Array,
    inputs?: ReadonlyMap<string, ArrayBufferView>,
  ): Now<{ readonly seen: Observations; readonly outputs?: ReadonlyMap<string, ArrayBufferView> }>;
  /** Times are measured, so no estimate may thin out the plans that are compared. */
  readonly measures?: boolean;
  /**
   * Of targets that measure: the time of a plan ÷ that of another, measured afresh. Asked once, for the best plan against the best by
   * whole tensors: the winner of many noisy comparisons may have won by luck.
   */
  compare?(plan: Plan, reference: Plan, constants: Uint8Array): Now<number>;
  /** Runs an instruction stream while its regions change. */
  stream?(
    work: Decomposition,
    tasks: AsyncIterable<Task>,
    tracker: Tracker,
    adjust: (seen: Observations) => readonly Edit[],
  ): Now<Observations>;
  /** Files that run the plan elsewhere, by name. */
  emit?(plan: Plan, constants: Uint8Array): Now<ReadonlyMap<string, Uint8Array>>;
}
export const HardwareTarget = Symbol.for('regrain.HardwareTarget');
