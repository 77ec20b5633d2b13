import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { example, json, regrain } from './regrain.js';

const MBV2 = example('models', 'mbv2_224_qdq.onnx');
const KIB = 1024;

interface Accounting {
  readonly peakBytes: number;
  readonly arenaBytes: number;
  readonly tensorPeakBytes: number;
  readonly boundBytes: number;
  readonly bound: { readonly when: string; readonly holds: readonly { readonly bytes: number }[] };
}
type Summary = { readonly resident: Accounting; readonly streamedInput: Accounting; readonly externalInput: Accounting } & Readonly<
  Record<string, number | string | boolean>
> & { readonly dependences: Record<string, number>; readonly elapsedMs: Record<string, number>; readonly pipeline: Record<string, string> };

let folder: string;
let out: string;
let summary: Summary;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrain-compile-'));
  out = join(folder, 'plan');
  summary = json<Summary>(['compile', MBV2, '--out', out]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('compile --json of MobileNetV2', () => {
  it('has every key of the contract', () => {
    expect(Object.keys(summary)).toEqual(
      expect.arrayContaining([
        ...['model', 'target', 'pipeline', 'tasks', 'regions', 'dependences', 'reuseDependences'],
        ...['resident', 'streamedInput', 'externalInput', 'constantBytes', 'movedBytes', 'tensorMovedBytes', 'movedBoundBytes'],
        ...['makespanCycles', 'tensorMakespanCycles', 'macs', 'macFactor', 'adjacency', 'iterations', 'edits', 'verified', 'elapsedMs'],
      ]),
    );
    for (const accounting of [summary.resident, summary.streamedInput, summary.externalInput]) {
      expect(Object.keys(accounting).sort()).toEqual(['arenaBytes', 'bound', 'boundBytes', 'peakBytes', 'tensorPeakBytes']);
      expect(accounting.bound.holds.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(accounting.boundBytes);
    }
    expect(summary).toMatchObject({ model: 'mbv2_224_qdq', target: 'cpu', verified: true, macFactor: 1 });
  });

  it('reaches the reference of row streaming, from a fair baseline', () => {
    expect(summary.streamedInput.peakBytes).toBeLessThanOrEqual(232.5 * KIB);
    expect(summary.streamedInput.tensorPeakBytes).toBeLessThanOrEqual(1470 * KIB);
  });

  it('orders the accountings and the figures of each as they must be', () => {
    for (const { peakBytes, arenaBytes, tensorPeakBytes, boundBytes } of [summary.resident, summary.streamedInput, summary.externalInput]) {
      expect(boundBytes).toBeLessThanOrEqual(peakBytes);
      expect(peakBytes).toBeLessThanOrEqual(arenaBytes);
      expect(peakBytes).toBeLessThanOrEqual(tensorPeakBytes);
    }
    expect(summary.externalInput.peakBytes).toBeLessThanOrEqual(summary.streamedInput.peakBytes);
    expect(summary.streamedInput.peakBytes).toBeLessThanOrEqual(summary.resident.peakBytes);
    // A resident input of 3 × 224 × 224 bytes is in the arena with everything else.
    expect(summary.resident.peakBytes).toBeGreaterThanOrEqual(3 * 224 * 224);
  });

  it('counts what is in the program', () => {
    expect(summary.dependences['raw']).toBeGreaterThan(0);
    // A model writes every value once: but for partial sums, only reuse of memory brings other hazards.
    expect(summary.dependences['war'] + summary.dependences['waw']).toBeLessThan(summary.dependences['raw'] / 10);
    expect(summary.reuseDependences).toBeGreaterThan(0);
    // 300 million multiply-accumulates are what the paper states (Sandler and others, 2018, table 4).
    expect(Number(summary.macs) / 1e6).toBeCloseTo(300, -1);
    expect(summary.elapsedMs['total']).toBeGreaterThan(0);
  });

  it('is the same on every run, but for times', () => {
    const again = json<Summary>(['compile', MBV2]);
    for (const changing of ['elapsedMs', 'maxRssBytes'])
      for (const one of [summary, again]) delete (one as Record<string, unknown>)[changing];
    expect(again).toEqual(summary);
  });
});

describe('the written plan', () => {
  it('is plan.json, plan.bin and a trace, and no temporary file', () => {
    expect(readdirSync(out).sort()).toEqual(['plan.bin', 'plan.json', 'trace.json']);
    expect(readFileSync(join(out, 'plan.bin')).byteLength).toBe(summary.constantBytes);
    const trace = JSON.parse(readFileSync(join(out, 'trace.json'), 'utf8')) as { traceEvents: unknown[] };
    expect(trace.traceEvents.length).toBeGreaterThan(Number(summary.tasks));
  });

  it('is verified, as a folder and as a file', () => {
    for (const path of [out, join(out, 'plan.json')]) {
      const { code, stdout } = regrain(['verify', path]);
      expect(stdout).toMatch(/verified \([\d,]+ steps/);
      expect(code).toBe(0);
    }
    expect(json<{ verified: boolean; faults: unknown[] }>(['verify', out])).toMatchObject({ verified: true, faults: [] });
  });

  it('is found out when somebody moves a region onto another, or drops a step', () => {
    const plan = JSON.parse(readFileSync(join(out, 'plan.json'), 'utf8')) as {
      placements: { offset: number; first: number; last: number; bytes: number }[];
    };
    const tampered = join(folder, 'tampered.json');
    const [a, b] = twoThatLiveTogether(plan.placements);
    const { offset } = plan.placements[b];
    plan.placements[b].offset = plan.placements[a].offset;
    writeFileSync(tampered, JSON.stringify(plan));
    const { code, stderr, stdout } = regrain(['verify', tampered]);
    expect(stderr).toMatch(/^regrain: .*tampered\.json: \S+: /);
    expect(stdout).toBe('');
    expect(code).toBe(1);
    plan.placements[b].offset = offset;
    writeFileSync(tampered, JSON.stringify({ ...plan, steps: (plan as unknown as { steps: unknown[] }).steps.slice(1) }));
    expect(regrain(['verify', tampered]).code).not.toBe(0);
  });
});

describe('what a person sees', () => {
  it('is a table, a picture, the peak and whether it was verified', () => {
    const { stdout, stderr, code } = regrain(['compile', MBV2]);
    expect(code).toBe(0);
    expect(stderr).toBe('');
    for (const text of ['whole tensors', 'input streamed', 'Live bytes over time', '█', '░', 'The peak of', 'Verified']) {
      expect(stdout).toContain(text);
    }
    expect(
      Math.max(
        ...stdout
          .split('\n')
          .filter((line) => /[░█]/.test(line))
          .map((line) => line.length),
      ),
    ).toBeLessThanOrEqual(80);
    expect(stdout).not.toContain('\x1b');
  });
});

describe('options', () => {
  it('a limit that whole tensors cannot meet, regions do', () => {
    const { code, stderr } = regrain(['compile', MBV2, '--capacity', 'memory=300k', '--decompose', 'whole-tensor', '--json']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^regrain: space memory holds 307200 bytes, \d+ are required/);
    expect(json<Summary>(['compile', MBV2, '--capacity', 'memory=300k']).streamedInput.arenaBytes).toBeLessThanOrEqual(300 * KIB);
  });

  it('a trace compiles too', () => {
    const found = json<Summary>(['compile', example('traces', 'gemm-relu-blur.jsonl')]);
    expect(found).toMatchObject({ model: 'gemm-relu-blur', tasks: 30, verified: true });
  });
});

function twoThatLiveTogether(placements: readonly { first: number; last: number; bytes: number; offset: number }[]): [number, number] {
  for (let a = 0; a < placements.length; a++) {
    for (let b = a + 1; b < placements.length; b++) {
      const [p, q] = [placements[a], placements[b]];
      if (p.first < q.last && q.first < p.last && p.bytes > 0 && q.bytes > 0 && p.offset !== q.offset) return [a, b];
    }
  }
  throw new Error('no two regions live at the same time');
}
