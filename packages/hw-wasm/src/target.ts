import {
  type EvaluateOpaque,
  type HardwareTarget,
  type Machine,
  type Observations,
  type Operation,
  type OperatorSet,
  OperatorSets,
  type Plan,
  PluginOptions,
  serializePlan,
  type Task,
  type Values,
  volume,
} from '@regrain/core-ir';
import { inject, injectable } from 'inversify';
import { z } from 'zod';
import { wasmFiles } from './artifact.js';
import { type Arithmetic, emitWasm } from './emit.js';
import { Measurer } from './measure.js';
import { observationsOf } from './observe.js';
import type { WasmProgram } from './program.js';
import { WasmSession } from './session.js';

export const wasmOptions = z.strictObject({
  threads: z.int().min(1).max(16).default(1).describe('engines, each a worker on shared memory'),
  math: z
    .enum(['exact', 'fast'])
    .default('exact')
    .describe('exact: floats to the same bits on every machine and by every decomposition; fast: fused operations, short convolutions'),
  measure: z.boolean().default(false).describe('time every plan by real runs, in turn with the first one (one thread)'),
});

/** One memory, which is the arena; 4 GiB at most. Kernels read channels last. */
export const wasmMachine = (threads = 1): Machine => ({
  name: 'wasm',
  spaces: [{ name: 'arena', bytes: 2 ** 32 - 65536, align: 4, counted: true }],
  engines: Array.from({ length: threads }, (_, k) => ({ name: `thread${k}`, spaces: [0], runs: 'tasks' as const })),
  home: { input: 0, constant: 0, output: 0 },
  storageOrders: { 4: [0, 2, 3, 1] },
  detail: {},
});

/** Nanoseconds: of a call, of a multiply-accumulate and of a byte, as seen on processors of 2 to 3 GHz. Rough: for comparing grains only. */
const CALL = 60;
const PER_MAC = 0.06;
const PER_POINT = 0.3;
const PER_BYTE = 0.05;

/**
 * WebAssembly in this process. With inputs, or with the option `measure`, a plan really runs, and what it shows is measured; otherwise
 * tasks are costed by a model, so that the same input gives the same plan.
 */
@injectable()
export class WasmTarget implements HardwareTarget {
  readonly machine: Machine;
  readonly measures: boolean;
  private readonly measurer: Measurer | undefined;
  private readonly math: Arithmetic;

  constructor(
    @inject(PluginOptions) { threads, math, measure }: z.output<typeof wasmOptions>,
    @inject(OperatorSets) private readonly sets: readonly OperatorSet[],
  ) {
    this.machine = wasmMachine(threads);
    this.math = math;
    this.measures = measure;
    if (measure) this.measurer = new Measurer(evaluatorOf(sets), math);
  }

  cost(operation: Operation, task: Task, bytes: number): number {
    const points = operation.domain.reduce((product, { extent }) => product * extent, 1);
    const part = points === 0 ? 0 : volume(task.box) / points;
    const written = task.accesses.reduce((sum, { mode, box }) => sum + (mode === 'read' ? 0 : volume(box)), 0);
    return CALL + part * operation.macs * PER_MAC + written * PER_POINT + bytes * PER_BYTE;
  }

  async execute(
    plan: Plan,
    constants?: Uint8Array,
    inputs?: ReadonlyMap<string, ArrayBufferView>,
  ): Promise<{ readonly seen: Observations; readonly outputs?: ReadonlyMap<string, ArrayBufferView> }> {
    const several = new Set(plan.steps.map(({ engine }) => engine)).size > 1;
    if (constants && !inputs && this.measurer && !several) return { seen: await this.measurer.measure(plan, constants) };
    if (!constants || !inputs || several) return { seen: this.estimate(plan) };
    const evaluateOpaque = evaluatorOf(this.sets);
    const session = await WasmSession.open(plan, constants, await this.program(plan, constants), { evaluateOpaque });
    const given = new Map([...inputs].map(([name, view]) => [name, valuesOf(plan, name, view)]));
    session.run(given);
    const { seen, outputs } = session.observe(given);
    return { seen, outputs: new Map([...outputs].map(([name, { data }]) => [name, data as unknown as ArrayBufferView])) };
  }

  async compare(plan: Plan, reference: Plan, constants: Uint8Array): Promise<number> {
    const several = [plan, reference].some(({ steps }) => new Set(steps.map(({ engine }) => engine)).size > 1);
    return this.measurer && !several
      ? this.measurer.compare(plan, reference, constants)
      : plan.metrics.cycles / (reference.metrics.cycles || 1);
  }

  /** The module that runs the plan, and what belongs to it. */
  async emit(plan: Plan, constants: Uint8Array): Promise<ReadonlyMap<string, Uint8Array>> {
    return wasmFiles(serializePlan(plan), constants, await this.program(plan, constants));
  }

  private program(plan: Plan, constants: Uint8Array): Promise<WasmProgram> {
    return emitWasm(plan, constants, { math: this.math });
  }

  private estimate(plan: Plan): Observations {
    const { steps, decomposition, program } = plan;
    const [start, end] = [new Float64Array(steps.length), new Float64Array(steps.length)];
    const free = new Float64Array(plan.machine.engines.length);
    steps.forEach((step, s) => {
      start[s] = step.waits.reduce((latest, wait) => Math.max(latest, end[wait]), free[step.engine]);
      end[s] = start[s];
      if (step.kind === 'task') {
        const task = decomposition.tasks[step.task];
        end[s] += this.cost(program.operations[task.operation], task, 0);
      }
      free[step.engine] = end[s];
    });
    return observationsOf(plan, start, end);
  }
}

/** Asks every operator set. */
export function evaluatorOf(sets: readonly OperatorSet[]): EvaluateOpaque {
  return (operation, inputs) => {
    for (const set of sets) {
      const results = set.evaluate?.(operation, inputs);
      if (results) return results;
    }
    return undefined;
  };
}

function valuesOf({ program }: Plan, name: string, view: ArrayBufferView): Values {
  const tensor = program.tensors.find((each) => each.kind === 'input' && each.name === name);
  return { dtype: tensor?.dtype ?? 'float32', shape: tensor?.shape ?? [], data: view as unknown as ArrayLike<number> };
}
