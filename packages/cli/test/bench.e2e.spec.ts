import { describe, expect, it } from 'vitest';
import { json, regrain } from './regrain.js';

interface Row {
  readonly case: string;
  readonly metric: string;
  readonly ours: number;
  readonly peerName: string;
  readonly ratio: number | null;
}

describe('bench', () => {
  it('execute: times our plans in turn with each other and with the peers that are there', () => {
    const { rows } = json<{ rows: readonly Row[] }>(['bench', 'execute', '--only', 'mnist']);
    expect(new Set(rows.map((row) => row.case))).toEqual(new Set(['mnist_opt']));
    expect(rows.map(({ metric, peerName }) => `${metric} ÷ ${peerName}`)).toEqual(
      expect.arrayContaining([
        'time, regions ÷ onnxruntime-node',
        'time, tuned ÷ whole',
        'arena ÷ whole tensors',
        'first result in a fresh process ÷ ',
      ]),
    );
    for (const { ours, ratio } of rows) {
      expect(ours).toBeGreaterThan(0);
      expect(ratio ?? 1).toBeGreaterThan(0);
    }
    // What runs change in memory is the arena of the plan, to the byte.
    expect(rows.find(({ metric }) => metric === 'memory that runs change, regions')?.ratio).toBe(1);
    expect(rows.find(({ metric }) => metric === 'arena')?.ratio).toBeLessThan(0.5);
  });

  it('equal: every decomposition on one to three threads gives the bits of whole tensors', () => {
    const { rows } = json<{ rows: readonly Row[] }>(['bench', 'equal', '--only', 'mnist']);
    // Uniform tiles of few channels take another kernel, which rounds otherwise.
    const streamed = rows.filter(({ metric }) => !metric.startsWith('uniform'));
    expect(streamed).toHaveLength(15);
    for (const { ours } of streamed) expect(ours).toBe(1);
  });

  it('pareto: plans a published network at several factors, with fewer bytes than its published front', () => {
    const { rows } = json<{ rows: readonly Row[] }>(['bench', 'pareto', '--only', 'mbv2-w0.35']);
    const published = rows.filter(({ peerName }) => peerName === 'msf-CNN');
    expect(published).toHaveLength(4);
    for (const { ratio } of published) expect(ratio).toBeLessThan(0.6);
    const bytes = published.map(({ ours }) => ours);
    expect(bytes).toEqual(bytes.toSorted((a, b) => b - a));
  });

  it('names a suite that is not there, with the nearest', () => {
    const { code, stderr } = regrain(['bench', 'exekute']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/execute/);
  });
});
