import type { Values } from '@regrain/core-ir/runtime';
import { HOST_FUNCTIONS } from './codegen/imports.js';
import type { Action, Lane } from './program.js';
import { TensorMemory } from './tensor-memory.js';
import { type Run, type WasmMemory, type WasmModule, webAssembly } from './web-assembly.js';

/** What a worker gets first; then a `run` for each run. */
export interface WorkerStart {
  readonly kind: 'start';
  readonly module: WasmModule;
  readonly memory: WasmMemory;
  readonly lane: Lane;
  /** The inputs by tensor, in memory that the session fills before each run. */
  readonly given: readonly (Values | undefined)[];
  /** One word: the host's operation in hand is done. */
  readonly gate: Int32Array;
}

export type ToWorker = WorkerStart | { readonly kind: 'run' };
export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly ms: number }
  /** The n-th action of the lane needs an operator set, which only the session has; the worker waits at its gate. */
  | { readonly kind: 'host'; readonly action: number }
  | { readonly kind: 'failed'; readonly message: string };

/** One lane of a plan. */
class LaneWorker {
  private constructor(
    private readonly start: WorkerStart,
    private readonly run: Run,
    private readonly wait: (list: number) => void,
    private readonly counters: Int32Array,
    private readonly tensors: TensorMemory,
    private readonly post: (message: FromWorker) => void,
  ) {}

  static async open(start: WorkerStart, post: (message: FromWorker) => void): Promise<LaneWorker> {
    const { memory } = start;
    const instance = await webAssembly.instantiate(start.module, { host: { memory, ...HOST_FUNCTIONS } });
    const { run, wait } = instance.exports as { run: Run; wait: (list: number) => void };
    return new LaneWorker(
      start,
      run,
      wait,
      new Int32Array(memory.buffer),
      new TensorMemory(memory.buffer, instance, start.lane.staging),
      post,
    );
  }

  all(): void {
    const began = performance.now();
    this.start.lane.actions.forEach((action, k) => {
      this.act(action, k);
    });
    this.post({ kind: 'done', ms: performance.now() - began });
  }

  private act(action: Action, k: number): void {
    const { lane, given, gate } = this.start;
    const counter = lane.counter ?? 0;
    if (action.kind === 'run') {
      this.run(lane.entries, action.from, action.to, counter);
      return;
    }
    if (action.sync?.waits) this.wait(action.sync.waits);
    if (action.kind === 'host') {
      Atomics.store(gate, 0, 0);
      this.post({ kind: 'host', action: k });
      Atomics.wait(gate, 0, 0);
    } else this.tensors.act(action, given);
    if (action.sync?.done !== undefined) Atomics.store(this.counters, counter >> 2, action.sync.done);
  }
}

/** Serves a channel: in Node that of `worker_threads`, in a browser that of the worker's own scope. */
async function serve(post: (message: FromWorker) => void, listen: (receive: (message: ToWorker) => void) => void): Promise<void> {
  let worker: LaneWorker | undefined;
  const receive = async (message: ToWorker): Promise<void> => {
    try {
      if (message.kind === 'start') {
        worker = await LaneWorker.open(message, post);
        post({ kind: 'ready' });
      } else worker?.all();
    } catch (error) {
      post({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
    }
  };
  listen((message) => void receive(message));
}

interface BrowserScope {
  postMessage(message: unknown): void;
  onmessage: ((event: { readonly data: ToWorker }) => void) | null;
}

if (typeof process === 'object' && process.versions?.node) {
  const { parentPort } = await import('node:worker_threads');
  if (parentPort) {
    await serve(
      (message) => parentPort.postMessage(message),
      (receive) => parentPort.on('message', receive),
    );
  }
} else {
  const scope = globalThis as unknown as BrowserScope;
  await serve(
    (message) => scope.postMessage(message),
    (receive) => {
      scope.onmessage = ({ data }) => receive(data);
    },
  );
}
