import {
  arrayFor,
  type Box,
  constantValues,
  type Decomposition,
  elements,
  interpretOperation,
  type NumberArray,
  type Operation,
  type Program,
  RegrainError,
  runBody,
  type Task,
  type Values,
} from '@regrain/core-ir';
import { pointsOf } from '../brute/dependences.js';

export interface RunOptions {
  /** Task numbers in the order in which they run; as they stand if absent. */
  readonly order?: ArrayLike<number>;
  readonly evaluateOpaque?: (operation: Operation, inputs: readonly Values[]) => readonly Values[] | undefined;
}

/** One instance's values in a whole tensor's shape, and which of them lie in a region and have been written. */
interface Storage {
  readonly data: NumberArray;
  /** 0: in no region; 1: in a region, empty; 2: filled. */
  readonly state: Uint8Array;
}

/**
 * Runs a decomposition task by task, with the storage of each instance (replicas and accumulators too) by itself, and gives the
 * outputs by name. Reading what no task has written, or accessing what no region stores, is an error that names the task. The result
 * should equal `interpretProgram` bit by bit, in every legal order.
 */
export function runDecomposition(
  program: Program,
  work: Decomposition,
  constants: Uint8Array,
  inputs: ReadonlyMap<string, Values>,
  options: RunOptions = {},
): Map<string, Values> {
  const runner = new Runner(program, work, constants, inputs, options);
  const order = options.order ?? work.tasks.keys();
  for (const task of Array.from(order as Iterable<number>)) runner.run(task);
  return runner.outputs();
}

class Runner {
  private readonly storage: Storage[];

  constructor(
    private readonly program: Program,
    private readonly work: Decomposition,
    constants: Uint8Array,
    inputs: ReadonlyMap<string, Values>,
    private readonly options: RunOptions,
  ) {
    this.storage = work.instances.map(({ tensor, role, dtype }) => {
      const { shape, kind, name } = program.tensors[tensor];
      const storage = { data: arrayFor(dtype, elements(shape)), state: new Uint8Array(elements(shape)) };
      if (role !== 'primary' || kind === 'computed') return storage;
      const given = kind === 'constant' ? constantValues(program, tensor, constants) : inputs.get(name);
      if (!given) throw new RegrainError('bad-input', `input ${name} has no values`);
      for (let k = 0; k < storage.data.length; k++) storage.data[k] = given.splat ?? given.data[k];
      return { ...storage, state: storage.state.fill(2) };
    });
    for (const { instance, box } of work.regions) {
      const { state } = this.storage[instance];
      for (const at of this.offsets(instance, box)) state[at] = Math.max(state[at], 1);
    }
  }

  outputs(): Map<string, Values> {
    return new Map(
      this.program.outputs.map((tensor) => {
        const { name, shape, dtype } = this.program.tensors[tensor];
        const primary = this.work.instances.findIndex((instance) => instance.tensor === tensor && instance.role === 'primary');
        const { data, state } = this.storage[primary];
        const missing = state.indexOf(1);
        if (missing >= 0 || state.includes(0)) throw new RegrainError('verification', `output ${name} is not whole after the last task`);
        return [name, { dtype, shape, data }];
      }),
    );
  }

  run(t: number): void {
    const task = this.work.tasks[t];
    const operation = this.program.operations[task.operation];
    const what = `task ${t} of ${operation.name}`;
    for (const { instance, box, mode } of task.accesses) if (mode !== 'write') this.expect(instance, box, what);
    if (operation.body) this.runBody(operation, task);
    else this.runOpaque(operation, task);
    for (const { instance, box, mode } of task.accesses) if (mode === 'write') this.fill(instance, box, what);
  }

  private runBody(operation: Operation, task: Task): void {
    const inputs = operation.operands.map(({ mode, tensor }, k) => (mode === 'read' ? this.valuesOf(task, k, tensor) : undefined));
    const sum = task.accesses.find(({ operand }) => operand === -1);
    const result = task.accesses.find(({ operand, mode }) => operand !== -1 && mode === 'write');
    const written = operation.operands.find(({ mode }) => mode !== 'read');
    if (!written) return;
    const { shape, dtype } = this.program.tensors[written.tensor];
    const instance = result?.instance ?? sum?.instance;
    if (instance === undefined) return;
    const target = { shape, dtype, data: this.storage[instance].data };
    runBody(operation, inputs, target, task.box, task.phase ?? 'whole', sum ? this.storage[sum.instance].data : undefined);
  }

  /** Evaluates the whole operation over what is there and keeps the task's own part: the rest may be computed from nothing. */
  private runOpaque(operation: Operation, task: Task): void {
    const inputs = operation.operands.map(({ mode, tensor }, k) => (mode === 'read' ? this.valuesOf(task, k, tensor) : undefined));
    const writes = operation.operands.flatMap(({ mode, tensor }, k) => (mode === 'read' ? [] : [{ k, tensor }]));
    const results = interpretOperation(
      operation,
      inputs,
      writes.map(({ tensor }) => this.program.tensors[tensor]),
      this.options.evaluateOpaque,
    );
    writes.forEach(({ k }, i) => {
      for (const { operand, instance, box, mode } of task.accesses) {
        if (operand !== k || mode === 'read') continue;
        for (const at of this.offsets(instance, box)) this.storage[instance].data[at] = results[i].data[at];
      }
    });
  }

  /** The operand's tensor as this task sees it: the instance that it reads. */
  private valuesOf(task: Task, operand: number, tensor: number): Values {
    const access = task.accesses.find((each) => each.operand === operand && each.mode === 'read');
    const { shape, dtype } = this.program.tensors[tensor];
    // An operand that this part does not read (padding only, or another phase) has no values to give.
    return { dtype, shape, data: access ? this.storage[access.instance].data : arrayFor(dtype, elements(shape)) };
  }

  private expect(instance: number, box: Box, what: string): void {
    const { state } = this.storage[instance];
    for (const at of this.offsets(instance, box)) {
      if (state[at] !== 2)
        throw new RegrainError(
          'verification',
          `${what} reads element ${at} of instance ${instance}, which ${state[at] ? 'nothing has written' : 'lies in no region'}`,
        );
    }
  }

  private fill(instance: number, box: Box, what: string): void {
    const { state } = this.storage[instance];
    for (const at of this.offsets(instance, box)) {
      if (state[at] !== 1)
        throw new RegrainError(
          'verification',
          `${what} writes element ${at} of instance ${instance}, which ${state[at] ? 'is written already' : 'lies in no region'}`,
        );
      state[at] = 2;
    }
  }

  private *offsets(instance: number, box: Box): Generator<number> {
    const { shape } = this.program.tensors[this.work.instances[instance].tensor];
    for (const point of pointsOf(box)) yield point.reduce((sum, x, d) => sum * shape[d] + x, 0);
  }
}
