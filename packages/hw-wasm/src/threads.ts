import { badInput, type EvaluateOpaque, elements, type Plan, RegrainError, sharedArrayFor, type Values } from '@regrain/core-ir/runtime';
import { type Given, type Inputs, type Into, inForm } from './given.js';
import { HostOperations } from './host-operations.js';
import { InputOutput } from './input-output.js';
import type { PlanSession } from './plan-session.js';
import type { WasmProgram } from './program.js';
import type { SessionOptions } from './session.js';
import { TensorMemory } from './tensor-memory.js';
import { memoryFor, type WasmMemory, type WasmModule, webAssembly } from './web-assembly.js';
import type { FromWorker, ToWorker } from './worker.js';

/** A worker as the session sees it, in Node or a browser. */
interface Channel {
  post(message: ToWorker): void;
  /** Called for each message, and once where the worker dies. */
  listen(message: (message: FromWorker) => void, died: (cause: string) => void): void;
  end(): Promise<void>;
}

/**
 * A plan for several engines: one worker per lane on shared memory; a lane waits for others by counters that they raise after each
 * step. Where a worker dies the run rejects with its cause, and so does every later one: open a new session.
 */
export class ThreadedSession implements PlanSession {
  private broken: string | undefined;
  private waiting: { readonly resolve: () => void; readonly reject: (error: Error) => void; left: number } | undefined;
  readonly io: InputOutput;
  private readonly host: HostOperations;
  private readonly words: Int32Array;

  private constructor(
    readonly plan: Plan,
    readonly program: WasmProgram,
    readonly memory: WasmMemory,
    constants: Uint8Array,
    evaluateOpaque: EvaluateOpaque | undefined,
    private readonly channels: readonly Channel[],
    private readonly gates: readonly Int32Array[],
    private readonly given: readonly (Values | undefined)[],
    private readonly tensors: TensorMemory,
    private readonly poison: number | undefined,
  ) {
    this.io = new InputOutput(plan, program.held, constants, tensors);
    this.host = new HostOperations(tensors, plan, constants, evaluateOpaque);
    this.words = new Int32Array(memory.buffer);
  }

  /** `compiled`: the program's module where somebody has begun to compile it. */
  static async open(
    plan: Plan,
    constants: Uint8Array,
    program: WasmProgram,
    options: SessionOptions = {},
    compiled: Promise<WasmModule> = webAssembly.compile(program.module),
  ): Promise<ThreadedSession> {
    const memory = memoryFor(plan.program.name, program.memoryBytes, true, options.memory);
    new Uint8Array(memory.buffer).set(program.data.bytes, program.data.address);
    const given = plan.program.tensors.map(({ kind, dtype, shape }) =>
      kind === 'input' ? { dtype, shape, data: sharedArrayFor(dtype, elements(shape)) } : undefined,
    );
    const gates = program.lanes.map(() => new Int32Array(new SharedArrayBuffer(4)));
    const channels = await Promise.all(program.lanes.map(() => startWorker()));
    const session = new ThreadedSession(
      plan,
      program,
      memory,
      constants,
      options.evaluateOpaque,
      channels,
      gates,
      given,
      new TensorMemory(memory.buffer),
      options.poison,
    );
    channels.forEach((channel, k) => {
      channel.listen(
        (message) => session.receive(k, message),
        (cause) => session.fail(`thread ${k} of ${plan.program.name} ended: ${cause}`),
      );
    });
    const module = await compiled;
    await session.all((lane, k) => ({ kind: 'start', module, memory, lane, given, gate: gates[k] }));
    return session;
  }

  /** See `PlanSession.run`. */
  async run(inputs: ReadonlyMap<string, Given>, into?: Into): Promise<Map<string, Values>>;
  async run(inputs: Readonly<Record<string, Given>>, into?: Into): Promise<Record<string, Values>>;
  async run(inputs: Inputs, into?: Into): Promise<Map<string, Values> | Record<string, Values>> {
    if (this.broken !== undefined) throw new RegrainError('internal', `${this.broken}; open a new session`);
    if (this.waiting) throw badInput(`${this.plan.program.name}: a run is under way on these threads; await it first`);
    const given = this.io.check(inputs, into);
    const { program } = this;
    given.forEach((values, tensor) => {
      const shared = this.given[tensor]?.data as { [index: number]: number } | undefined;
      if (!values || !shared) return;
      if (values.splat === undefined) (shared as unknown as Float64Array).set(values.data);
      else (shared as unknown as Float64Array).fill(values.splat);
    });
    if (this.poison !== undefined) new Uint8Array(this.memory.buffer, 0, program.arenaBytes).fill(this.poison);
    for (const { tensor, box, at } of program.external) this.tensors.write(given[tensor] as Values, box, at);
    for (const { counter } of program.lanes) Atomics.store(this.words, (counter ?? 0) >> 2, 0);
    await this.all(() => ({ kind: 'run' }));
    return inForm(this.io.finish(given, into), inputs);
  }

  /** See `PlanSession.adopt`. */
  adopt({ io }: PlanSession): void {
    this.io.adopt(io);
  }

  /** Ends the workers; a run that is under way rejects. */
  async close(): Promise<void> {
    this.fail('the session is closed');
    await this.end();
  }

  private async end(): Promise<void> {
    await Promise.all(this.channels.map((channel) => channel.end()));
  }

  /** Sends every worker a message and waits until each has answered that it is done. */
  private all(message: (lane: WasmProgram['lanes'][number], k: number) => ToWorker): Promise<void> {
    // A worker may have died while nothing was asked of it.
    if (this.broken !== undefined) return Promise.reject(new RegrainError('internal', this.broken));
    return new Promise<void>((resolve, reject) => {
      this.waiting = { resolve, reject, left: this.channels.length };
      this.channels.forEach((channel, k) => {
        channel.post(message(this.program.lanes[k], k));
      });
    }).finally(() => {
      this.waiting = undefined;
    });
  }

  private receive(k: number, message: FromWorker): void {
    if (message.kind === 'failed') this.fail(`thread ${k} of ${this.plan.program.name}: ${message.message}`);
    else if (message.kind === 'host') this.serve(k, message.action);
    else if (this.waiting && --this.waiting.left === 0) this.waiting.resolve();
  }

  private serve(k: number, index: number): void {
    const action = this.program.lanes[k].actions[index];
    try {
      if (action.kind === 'host') this.host.run(action);
    } catch (error) {
      this.fail(error instanceof Error ? error.message : String(error));
    }
    Atomics.store(this.gates[k], 0, 1);
    Atomics.notify(this.gates[k], 0);
  }

  /** Ends all waits, so that no lane waits for one that is gone. */
  private fail(cause: string): void {
    if (this.broken !== undefined) return;
    this.broken = cause;
    if (this.program.abort !== undefined) Atomics.store(this.words, this.program.abort >> 2, 1);
    this.waiting?.reject(new RegrainError('internal', cause));
    void this.end();
  }
}

async function startWorker(): Promise<Channel> {
  const url = new URL('./worker.js', import.meta.url);
  if (typeof process === 'object' && process.versions?.node) {
    const { Worker } = await import('node:worker_threads');
    // The file is built: it needs none of the flags that this process was started with.
    const worker = new Worker(url, { execArgv: [] });
    return {
      post: (message) => worker.postMessage(message),
      listen: (message, died) => {
        worker.on('message', message);
        worker.on('error', (error) => died(error.message));
        worker.on('exit', (code) => died(`exit code ${code}`));
      },
      end: async () => void (await worker.terminate()),
    };
  }
  const { Worker } = globalThis as unknown as { Worker: new (url: URL, options: object) => BrowserWorker };
  const worker = new Worker(url, { type: 'module' });
  return {
    post: (message) => worker.postMessage(message),
    listen: (message, died) => {
      worker.onmessage = ({ data }) => message(data);
      worker.onerror = ({ message: cause }) => died(cause);
    },
    end: async () => worker.terminate(),
  };
}

interface BrowserWorker {
  postMessage(message: unknown): void;
  terminate(): void;
  onmessage: ((event: { readonly data: FromWorker }) => void) | null;
  onerror: ((event: { readonly message: string }) => void) | null;
}
