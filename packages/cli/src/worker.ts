import 'reflect-metadata';
import { parentPort, workerData } from 'node:worker_threads';
import type { ErrorCode } from '@regrain/core-ir';
import { openSession } from './open-session.js';
import { openTerminal } from './output/terminal.js';
import { type GrainJob, planGrain } from './pareto/plan-grain.js';
import type { FromThread, ThreadStart } from './pareto/threads.js';

/** A thread that plans one grain after the other. */
const { source, loaded, options, machine } = workerData as ThreadStart;
const opened = openSession(source.config, openTerminal(), source.machines);

parentPort?.on('message', async (job: GrainJob) => {
  let answer: FromThread;
  try {
    const { session } = await opened;
    answer = { plan: await planGrain(session, loaded, options, machine, job) };
  } catch (error) {
    const { code, message } = error as Error & { code?: ErrorCode };
    answer = { failed: { code, message } };
  }
  parentPort?.postMessage(answer);
});
