import { describe, expect, it } from 'vitest';
import { example, json, regrain } from './regrain.js';

const MNIST = example('models', 'mnist_opt.onnx');

interface Summary {
  readonly verified: boolean;
  readonly pipeline: Readonly<Record<string, string>>;
  readonly streamedInput: { readonly peakBytes: number };
  readonly order?: { readonly peakBytes: number; readonly boundBytes: number; readonly proved: boolean };
  readonly reuseDistance: {
    readonly reuses: number;
    readonly meanBytes: number;
    readonly histogram: readonly { readonly reuses: number }[];
  };
}

const compile = (...args: string[]): Summary => json<Summary>(['compile', MNIST, '--adjust', 'none', ...args]);

describe('schedulers that search', () => {
  it.each(['exact', 'beam', 'anneal'])('%s: plans whole tensors and bands, verified, no worse than min-peak', (id) => {
    for (const cut of ['whole-tensor', 'bands']) {
      const before = compile('--decompose', cut, '--schedule', 'min-peak');
      const after = compile('--decompose', cut, '--schedule', id);
      expect(after).toMatchObject({ verified: true, pipeline: { schedule: id } });
      expect(after.streamedInput.peakBytes).toBeLessThanOrEqual(before.streamedInput.peakBytes);
      expect(before.order).toBeUndefined();
      expect(after.order?.boundBytes).toBeLessThanOrEqual(after.order?.peakBytes as number);
      expect(after.order?.proved).toBe(after.order?.boundBytes === after.order?.peakBytes);
      // Verified plans count live bytes themselves.
      expect(after.order?.peakBytes).toBe(after.streamedInput.peakBytes);
    }
  });

  it('says that an order is proved', () => {
    expect(compile('--decompose', 'whole-tensor', '--schedule', 'exact').order?.proved).toBe(true);
    const { stdout } = regrain(['compile', MNIST, '--decompose', 'whole-tensor', '--schedule', 'exact', '--adjust', 'none']);
    expect(stdout).toMatch(/No order of these tasks has a lower peak \(proved: /);
  });

  it('tells the reuse distance of every plan', () => {
    const { reuseDistance } = compile();
    expect(reuseDistance.meanBytes).toBeGreaterThan(0);
    expect(reuseDistance.histogram.reduce((sum, { reuses }) => sum + reuses, 0)).toBe(reuseDistance.reuses);
  });
});

describe('bench schedule', () => {
  it('compares all schedulers with a bound, and nothing is below it', () => {
    const { rows } = json<{ rows: readonly { metric: string; ratio: number | null; peerName: string }[] }>([
      'bench',
      'schedule',
      '--only',
      'kws_ref_model_qdq, whole',
      '--only',
      'randomly wired 1',
    ]);
    const peaks = rows.filter(({ peerName }) => peerName === 'proved bound');
    expect(peaks).toHaveLength(14);
    for (const { ratio } of peaks) expect(ratio).toBeGreaterThanOrEqual(1);
    expect(peaks.filter(({ metric, ratio }) => metric === 'peak, exact' && ratio === 1)).toHaveLength(2);
  });
});

describe('critical-path', () => {
  it('keeps to the scratchpad of a machine with two engines, where program order does not fit', () => {
    const flags = ['--target', 'npu-2engine', '--move', 'one-space', '--decompose', 'bands', '--adjust', 'none', '--input', 'external'];
    const model = example('models', 'mbv2_224_qdq.onnx');
    expect(regrain(['compile', model, ...flags, '--schedule', 'program-order'])).toMatchObject({ code: 1 });
    const summary = json<Summary & { readonly externalInput: { readonly arenaBytes: number }; readonly makespanCycles: number }>([
      'compile',
      model,
      ...flags,
      '--schedule',
      'critical-path',
    ]);
    expect(summary.verified).toBe(true);
    expect(summary.externalInput.arenaBytes).toBeLessThanOrEqual(1 << 20);
  });
});
