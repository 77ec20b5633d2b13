import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { type CompileOptions, type ErrorCode, type Loaded, type Machine, RegrainError } from '@regrain/core-ir';
import type { SessionSource } from '../open-session.js';
import type { GrainJob, GrainPlan, GrainPlanner, NoPlan } from './plan-grain.js';

/** What a thread begins with. */
export interface ThreadStart {
  readonly source: SessionSource;
  readonly loaded: Loaded;
  readonly options: CompileOptions;
  readonly machine: Machine;
}

export type FromThread =
  | { readonly plan: GrainPlan | NoPlan }
  | { readonly failed: { readonly code: ErrorCode | undefined; readonly message: string } };

/** Of what a thread makes, plans live long and all else briefly: with room for that, little is looked at twice. */
const YOUNG_MB = 192;

/**
 * Threads that plan grains, one per processor and at most so many. Undefined where there is one processor only, where the command is not
 * built (its tests run from the sources), or where the options hold what cannot be sent.
 */
export function openThreads(start: ThreadStart, most: number): GrainPlanner | undefined {
  const url = new URL('./worker.js', import.meta.url);
  const count = Math.min(most, availableParallelism());
  if (count < 2 || !existsSync(url)) return undefined;
  try {
    return new Threads(Array.from({ length: count }, () => open(url, start)));
  } catch (error) {
    if (error instanceof DOMException && error.name === 'DataCloneError') return undefined;
    throw error;
  }
}

function open(url: URL, start: ThreadStart): Worker {
  // The file is built: it needs none of the flags that this process was started with.
  return new Worker(url, { workerData: start, execArgv: [], resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } });
}

/** A job that waits for a thread. */
interface Waiting {
  readonly job: GrainJob;
  readonly resolve: (plan: GrainPlan | NoPlan) => void;
  readonly reject: (error: Error) => void;
}

class Threads implements GrainPlanner {
  private readonly waiting: Waiting[] = [];
  private readonly idle: Worker[];

  constructor(private readonly workers: readonly Worker[]) {
    this.idle = [...workers];
  }

  plan(job: GrainJob): Promise<GrainPlan | NoPlan> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ job, resolve, reject });
      this.next();
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }

  private next(): void {
    if (this.idle.length === 0 || this.waiting.length === 0) return;
    const worker = this.idle.shift() as Worker;
    const { job, resolve, reject } = this.waiting.shift() as Waiting;
    const release = (): void => {
      worker.off('message', answered).off('error', died).off('exit', left);
    };
    const answered = (message: FromThread): void => {
      release();
      this.idle.push(worker);
      if ('failed' in message) reject(errorOf(message.failed));
      else resolve(message.plan);
      this.next();
    };
    const died = (error: Error): void => {
      release();
      reject(isOutOfMemory(error) ? new RegrainError('internal', `not enough memory for a plan of the front: ${error.message}`) : error);
    };
    const left = (code: number): void =>
      died(
        new RegrainError(
          'plugin',
          `a plugin ended the thread that planned a point of the front (process.exit(${code})); plugins must throw instead`,
        ),
      );
    worker.on('message', answered).on('error', died).on('exit', left);
    worker.postMessage(job);
  }
}

function isOutOfMemory(error: Error): boolean {
  return (error as { code?: unknown }).code === 'ERR_WORKER_OUT_OF_MEMORY';
}

function errorOf({ code, message }: { readonly code: ErrorCode | undefined; readonly message: string }): Error {
  return code === undefined ? new Error(message) : new RegrainError(code, message);
}
