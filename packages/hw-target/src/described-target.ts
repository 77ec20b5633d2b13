import {
  type Contribution,
  HardwareTarget,
  type Machine,
  type Observations,
  type Operation,
  type Plan,
  PluginOptions,
  type Task,
} from '@regrain/core-ir';
import { inject, injectable, type Newable } from 'inversify';
import { z } from 'zod';
import { computeCycles, type TaskEngine } from './cost.js';
import { type MachineDescription, type MachineInput, machineOf, parseDescription, schedulerSchema } from './description.js';
import { simulate } from './simulator.js';

/** Options of every described target. */
export const describedOptions = z.strictObject({
  scheduler: schedulerSchema.optional().describe('model of a hardware scheduler, instead of the one in the description'),
});

/** A target class that simulates the described machine: all that a vendor adds is one file of data. Faults are `bad-input`. */
export function describedTarget(input: MachineInput | MachineDescription): Newable<HardwareTarget> {
  const checked = parseDescription(input, `machine ${String((input as { name?: unknown })?.name ?? '')}`.trim());

  @injectable()
  class DescribedTarget implements HardwareTarget {
    readonly machine: Machine;
    private readonly description: MachineDescription;

    constructor(@inject(PluginOptions) options: z.output<typeof describedOptions>) {
      this.description = options.scheduler ? { ...checked, scheduler: options.scheduler } : checked;
      this.machine = machineOf(this.description);
    }

    /** Cycles of a task alone on its engine, whose `bytes` all lie in the arena's space; hits of caches do not count. */
    cost(operation: Operation, task: Task, bytes: number): number {
      const { engines, spaces, scheduler } = this.description;
      const runners = engines.filter((engine): engine is TaskEngine => engine.runs === 'tasks');
      const engine = runners.find(({ name }) => name === operation.engine) ?? runners[0];
      const issue = scheduler.kind === 'table' ? scheduler.dispatchCycles + scheduler.lookupCycles : 0;
      return issue + engine.dispatchCycles + Math.max(computeCycles(engine, operation, task), bytes / spaces[0].bytesPerCycle);
    }

    execute(plan: Plan): { readonly seen: Observations } {
      return { seen: simulate(plan, this.description) };
    }
  }
  return DescribedTarget;
}

/** The binding that a plugin lists for a described machine. */
export function describedContribution(input: MachineInput): Contribution {
  return {
    point: HardwareTarget,
    id: input.name,
    description: input.title || `simulated machine ${input.name}`,
    use: describedTarget(input),
    options: describedOptions,
  };
}
