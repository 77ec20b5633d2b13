import { createSession, type Loaded, OperatorSet, type Values } from '@regrain/core-ir';
import type * as HwWasm from '@regrain/hw-wasm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUILTIN_PLUGINS } from '../src/builtin-plugins.js';
import { DEFAULT_MOVE, DEFAULT_PIPELINE } from '../src/default-pipeline.js';
import { inputsFor } from '../src/execute/inputs.js';
import { example, json } from './regrain.js';

// Workers start from the built file, so this is the built package.
const built = new URL('../../hw-wasm/dist/index.js', import.meta.url).href;
const { emitWasm, evaluatorOf, ThreadedSession, WasmSession } = (await import(built)) as typeof HwWasm;
const session = createSession(BUILTIN_PLUGINS);
const evaluateOpaque = evaluatorOf(session.contributions(OperatorSet).map(({ id }) => session.make(OperatorSet, id)));

async function open(loaded: Loaded, threads: number) {
  const { plan } = await session.compile(loaded, {
    pipeline: {
      ...DEFAULT_PIPELINE,
      ...(threads > 1 ? { decompose: 'bands', schedule: 'critical-path' } : {}),
      iterations: 0,
      move: DEFAULT_MOVE,
    },
    target: { id: 'wasm', options: { threads } },
    objective: 'peak',
    constraints: [],
    input: 'streamed',
    seed: 1,
  });
  const program = await emitWasm(plan, loaded.constants);
  expect(program.lanes.length).toBe(threads);
  return (threads > 1 ? ThreadedSession : WasmSession).open(plan, loaded.constants, program, { evaluateOpaque, poison: 0xfa });
}

describe.each(['kws_ref_model_qdq', 'mnist_opt'])('%s on three threads', (name) => {
  let loaded: Loaded;
  let inputs: Map<string, Values>;
  let threads: Awaited<ReturnType<typeof open>>;
  beforeAll(async () => {
    loaded = await session.load(example('models', `${name}.onnx`));
    inputs = inputsFor(loaded.program, {}, 1);
    threads = await open(loaded, 3);
  });
  afterAll(async () => {
    if (threads instanceof ThreadedSession) await threads.close();
  });

  it('gives the same bytes as on one, run after run', async () => {
    const wanted = await (await open(loaded, 1)).run(inputs);
    for (let run = 0; run < 20; run++) {
      for (const [output, { data }] of await threads.run(inputs))
        expect(Array.from(data)).toEqual(Array.from(wanted.get(output)?.data ?? []));
    }
  });

  it('runs once at a time, and says so', async () => {
    const [first, second] = [threads.run(inputs), Promise.resolve().then(() => threads.run(inputs))];
    await expect(second).rejects.toThrow(/a run is under way on these threads; await it first/);
    await first;
    await threads.run(inputs);
  });

  it('refuses bad input and stays usable', async () => {
    await expect(Promise.resolve().then(() => threads.run({ nothing: new Float32Array(1) }))).rejects.toThrow(/has no input nothing/);
    await threads.run(inputs);
  });

  it('a run rejects where its session is closed meanwhile', async () => {
    const closed = await open(loaded, 2);
    const running = closed.run(inputs) as Promise<unknown>;
    const rejected = expect(running).rejects.toThrow(/the session is closed/);
    await closed.close();
    await rejected;
    await expect(Promise.resolve().then(() => closed.run(inputs))).rejects.toThrow(/the session is closed; open a new session/);
  });

  it('rejects with the cause where a worker dies, and says that the session is lost', async () => {
    const lost = (await open(loaded, 2)) as HwWasm.ThreadedSession;
    await lost.run(inputs);
    const { channels } = lost as unknown as { channels: { end(): Promise<void> }[] };
    const running = lost.run(inputs);
    const killed = channels[1].end();
    // The run may have been done before the worker was.
    await running.catch((error: Error) => expect(error.message).toMatch(/thread 1 of .* ended/));
    await killed;
    await expect(lost.run(inputs)).rejects.toThrow(/thread 1 of .* ended: exit code 1; open a new session/);
  });
});

it('run --threads takes several only where they are faster', () => {
  const { threads, speedup, check } = json<{ threads: number; speedup: number; check: { passed: boolean } }>([
    'run',
    example('models', 'mnist_opt.onnx'),
    '--threads',
    '2',
    '--check',
  ]);
  expect(check.passed).toBe(true);
  expect(threads).toBe(speedup > 1.03 ? 2 : 1);
});
