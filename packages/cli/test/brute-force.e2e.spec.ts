import { createSession, HardwareTarget } from '@regrain/core-ir';
import { bruteForceVerify } from '@regrain/testkit';
import { describe, expect, it } from 'vitest';
import { BUILTIN_PLUGINS } from '../src/builtin-plugins.js';
import { DEFAULT_MOVE, DEFAULT_PIPELINE } from '../src/default-pipeline.js';

const session = createSession(BUILTIN_PLUGINS);

describe('plans of real models, element by element', () => {
  it.each([
    ['mnist_opt', 'streamed', 'cpu'],
    ['mnist_opt', 'resident', 'npu-2engine'],
    ['kws_ref_model_qdq', 'external', 'cpu'],
    ['ad01_int8_qdq', 'streamed', 'cortex-m7-f746'],
  ] as const)('%s, %s input, on %s', async (name, input, target) => {
    const path = new URL(`../../../examples/models/${name}.onnx`, import.meta.url).pathname;
    const loaded = await session.load(path);
    expect(session.make(HardwareTarget, target).machine.name).toBe(target);
    const { plan } = await session.compile(loaded, {
      pipeline: { ...DEFAULT_PIPELINE, move: DEFAULT_MOVE },
      target,
      objective: 'peak',
      constraints: [],
      input,
      seed: 1,
    });
    expect(plan.decomposition.tasks.length).toBeGreaterThanOrEqual(loaded.program.operations.length);
    expect(bruteForceVerify(plan)).toEqual([]);
  });
});
