import { badInput, type EvaluateOpaque, type Observations, type Plan, type Values } from '@regrain/core-ir/runtime';
import { HOST_FUNCTIONS } from './codegen/imports.js';
import { type Given, type Inputs, type Into, inForm } from './given.js';
import { HostOperations } from './host-operations.js';
import { InputOutput } from './input-output.js';
import { ArenaWatch } from './inspect.js';
import { layoutSpaces } from './layout/spaces.js';
import { observationsOf } from './observe.js';
import type { PlanSession } from './plan-session.js';
import type { Action, WasmProgram } from './program.js';
import { TensorMemory } from './tensor-memory.js';
import { memoryFor, type Run, type WasmInstance, type WasmMemory, type WasmModule, webAssembly } from './web-assembly.js';

/** As a float a large negative number, as a byte neither zero nor small. */
const POISON = 0xfa;

export interface SessionOptions {
  /** Computes operations without a body. */
  readonly evaluateOpaque?: EvaluateOpaque;
  /** Fills the arena with this byte before every run: what a plan computes must not depend on it. */
  readonly poison?: number;
  /**
   * The caller's own memory, for this session alone as long as it lives: at least `program.memoryBytes` (`memoryBytesOf` tells before), or
   * able to grow to that; with a `maximum`, and shared if the plan is for several threads.
   */
  readonly memory?: WasmMemory;
}

/** A plan for one engine that is ready to run, as often as wanted. Not reentrant. */
export class WasmSession implements PlanSession {
  readonly memory: WasmMemory;
  private readonly tensors: TensorMemory;
  private readonly host: HostOperations;
  readonly io: InputOutput;
  private readonly call: Run;

  private constructor(
    readonly plan: Plan,
    readonly program: WasmProgram,
    constants: Uint8Array,
    instance: WasmInstance,
    memory: WasmMemory,
    private readonly options: SessionOptions,
  ) {
    this.memory = memory;
    this.tensors = new TensorMemory(memory.buffer, instance, program.lanes[0].staging);
    this.host = new HostOperations(this.tensors, plan, constants, options.evaluateOpaque);
    this.io = new InputOutput(plan, program.held, constants, this.tensors);
    this.call = instance.exports.run as Run;
    new Uint8Array(memory.buffer).set(program.data.bytes, program.data.address);
  }

  /** `compiled`: the program's module where somebody has begun to compile it. */
  static async open(
    plan: Plan,
    constants: Uint8Array,
    program: WasmProgram,
    options: SessionOptions = {},
    compiled: Promise<WasmModule> = webAssembly.compile(program.module),
  ): Promise<WasmSession> {
    if (program.lanes.length > 1) throw badInput(`${plan.program.name}: the plan is for ${program.lanes.length} threads`);
    const memory = memoryFor(plan.program.name, program.memoryBytes, false, options.memory);
    const instance = await webAssembly.instantiate(await compiled, { host: { memory, ...HOST_FUNCTIONS } });
    return new WasmSession(plan, program, constants, instance, memory, options);
  }

  /** See `PlanSession.run`. */
  run(inputs: ReadonlyMap<string, Given>, into?: Into): Map<string, Values>;
  run(inputs: Readonly<Record<string, Given>>, into?: Into): Record<string, Values>;
  run(inputs: Inputs, into?: Into): Map<string, Values> | Record<string, Values> {
    return inForm(
      this.runWith(inputs, (action, given) => this.act(action, given), into),
      inputs,
    );
  }

  /** Runs once with a clock at every step: slower by the clock's own cost, and what took how long. */
  observe(inputs: Inputs): { readonly outputs: Map<string, Values>; readonly seen: Observations } {
    const { steps } = this.plan;
    const [start, end] = [new Float64Array(steps.length), new Float64Array(steps.length)];
    const began = performance.now();
    const now = (): number => (performance.now() - began) * 1e6;
    let last = 0;
    const timed = (step: number, work: () => void): void => {
      start[step] = now();
      work();
      last = end[step] = now();
    };
    const outputs = this.runWith(inputs, (action, given) => {
      if (action.kind === 'run') {
        for (let entry = action.from; entry < action.to; entry++)
          timed(this.program.lanes[0].schedule[entry].step, () => this.entries(entry, entry + 1));
      } else if (action.kind === 'arrive') this.act(action, given);
      else timed(action.step, () => this.act(action, given));
    });
    // Steps that need no work of the module's take no time where they stand.
    for (let s = steps.length - 1; s >= 0; s--) if (end[s] === 0) start[s] = end[s] = last;
    return { outputs, seen: observationsOf(this.plan, start, end) };
  }

  /**
   * Runs once under watch, for debugging: every byte outside live regions is overwritten all the time, and a step that changes bytes
   * which it should not write is an error (`verification`) that names it. Slow.
   */
  inspect(inputs: Inputs): Map<string, Values> {
    const arena = new Uint8Array(this.memory.buffer, 0, this.program.arenaBytes);
    const watch = new ArenaWatch(this.plan, layoutSpaces(this.plan), arena, this.options.poison ?? POISON);
    const watched = (step: number, work: () => void): void => {
      watch.begin(step);
      work();
      watch.check(step);
    };
    return this.runWith(inputs, (action, given) => {
      if (action.kind === 'run') {
        for (let entry = action.from; entry < action.to; entry++)
          watched(this.program.lanes[0].schedule[entry].step, () => this.entries(entry, entry + 1));
      } else if (action.kind === 'arrive') {
        if (action.step !== undefined) watch.begin(action.step);
        this.act(action, given);
        watch.accept();
      } else watched(action.step, () => this.act(action, given));
    });
  }

  /** See `PlanSession.adopt`. */
  adopt({ io }: PlanSession): void {
    this.io.adopt(io);
  }

  /** Nothing to end: its memory goes when nobody holds the session. */
  async close(): Promise<void> {}

  private runWith(inputs: Inputs, act: (action: Action, given: readonly (Values | undefined)[]) => void, into?: Into): Map<string, Values> {
    const given = this.io.check(inputs, into);
    const { program } = this;
    if (this.options.poison !== undefined) new Uint8Array(this.memory.buffer, 0, program.arenaBytes).fill(this.options.poison);
    for (const { tensor, box, at } of program.external) this.tensors.write(given[tensor] as Values, box, at);
    for (const action of program.lanes[0].actions) act(action, given);
    return this.io.finish(given, into);
  }

  private act(action: Action, given: readonly (Values | undefined)[]): void {
    if (action.kind === 'run') this.entries(action.from, action.to);
    else if (action.kind === 'host') this.host.run(action);
    else this.tensors.act(action, given);
  }

  private entries(from: number, to: number): void {
    this.call(this.program.lanes[0].entries, from, to, 0);
  }
}
