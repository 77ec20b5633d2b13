import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { example, json, regrain, workspace } from './regrain.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrain-commands-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('regrain', () => {
  it('lists its commands, and every one has help with examples', () => {
    const help = regrain(['--help']);
    expect(help.code).toBe(0);
    const commands = [...help.stdout.matchAll(/^ {2}(\w+) /gm)].map(([, name]) => name).filter((name) => name !== 'help');
    expect(commands.sort()).toEqual(['allocate', 'bench', 'compile', 'deps', 'doctor', 'explain', 'plugins', 'run', 'targets', 'verify']);
    for (const name of commands) {
      const { code, stdout } = regrain([name, '--help']);
      expect(code).toBe(0);
      expect(stdout).toContain(`Examples:\n  regrain ${name}`);
      expect(stdout).toContain('--json');
    }
  });

  it('says its version, and with no command how it is used', () => {
    expect(regrain(['--version']).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(regrain([])).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('deps', () => {
  const trace = example('traces', 'gemm-relu-blur.jsonl');

  it('counts tasks, accesses and dependences of a trace', () => {
    // Raw and war by an independent element-by-element count of the trace.
    expect(json(['deps', trace])).toMatchObject({ tasks: 30, accesses: 76, raw: 36, war: 14 });
  });

  it('agrees with the oracle, edge by edge', () => {
    interface Edges {
      readonly edges: readonly [number, number, string, number][];
    }
    const sorted = (found: Edges): string[] => found.edges.map(String).sort();
    const fast = json<Edges>(['deps', trace, '--edges']);
    const oracle = json<Edges>(['deps', trace, '--edges', '--analyzer', 'pairwise']);
    expect(sorted(fast)).toEqual(sorted(oracle));
    // The second half of a product adds to what the first half wrote: a tile of 128 × 128.
    expect(fast.edges).toContainEqual([0, 1, 'raw', 128 * 128]);
    // The first band of the filter reads rows 0 to 86 of the ReLU's two first bands of 64.
    expect(fast.edges).toContainEqual([8, 12, 'raw', 64 * 256]);
    expect(fast.edges).toContainEqual([9, 12, 'raw', 22 * 256]);
  });

  it('writes the graph of regions for graph viewers', () => {
    const file = join(folder, 'regions.gexf');
    expect(regrain(['deps', trace, '--gexf', file]).code).toBe(0);
    expect(readFileSync(file, 'utf8')).toMatch(/^<\?xml[\s\S]*<gexf[\s\S]*<node /);
  });
});

describe('allocate', () => {
  it('places the tiny instance within its capacity and writes the offsets', () => {
    const file = join(folder, 'placed.csv');
    const found = json(['allocate', example('allocation', 'input.12.csv'), '--capacity', '12', '--out', file]);
    expect(found).toMatchObject({ buffers: 5, capacity: 12, height: 12, loadBound: 12, solved: true, provenOptimal: true });
    const [header, ...rows] = readFileSync(file, 'utf8').trim().split('\n');
    expect(header).toBe('id,lower,upper,size,offset');
    expectNoOverlap(rows);
  });

  it('says honestly that a heuristic does not fit a hard instance, with 1', () => {
    const hard = example('allocation', 'A.1048576.csv');
    const { code, stdout, stderr } = regrain(['allocate', hard, '--capacity', '1048576', '--allocator', 'greedy-by-size', '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ capacity: 1048576, solved: false, provenOptimal: false });
    expect(stderr).toMatch(/^regrain: .*A\.1048576\.csv: no packing was found: \d+ bytes are required/);
  });

  it('places it without a capacity, at or above the load bound, and keeps given offsets', () => {
    const file = join(folder, 'hard.csv');
    interface Found {
      readonly height: number;
      readonly loadBound: number;
      readonly solved: boolean;
    }
    const found = json<Found>(['allocate', example('allocation', 'A.1048576.csv'), '--out', file]);
    expect(found.solved).toBe(true);
    expect(found.height).toBeGreaterThanOrEqual(found.loadBound);
    expectNoOverlap(readFileSync(file, 'utf8').trim().split('\n').slice(1));
    const fixed = join(folder, 'fixed.csv');
    writeFileSync(fixed, 'id,lower,upper,size,offset\na,0,4,8,16\nb,0,4,8,-1\nc,2,6,16,-1\n');
    expect(json<Found>(['allocate', fixed, '--out', file]).solved).toBe(true);
    const rows = readFileSync(file, 'utf8').trim().split('\n').slice(1);
    expect(rows[0]).toBe('a,0,4,8,16');
    expectNoOverlap(rows);
  });
});

describe('plugins, targets, doctor', () => {
  it('list every point with ids, descriptions and options', () => {
    interface Entry {
      readonly point: string;
      readonly id: string;
      readonly description: string;
      readonly options: readonly { readonly name: string; readonly description: string }[];
    }
    const found = json<Entry[]>(['plugins']);
    const points = new Set(found.map(({ point }) => point));
    for (const point of ['Frontend', 'Decomposer', 'DependenceAnalyzer', 'Scheduler', 'Mover', 'Allocator', 'Adjuster', 'HardwareTarget']) {
      expect(points).toContain(point);
    }
    for (const { description, options } of found) {
      expect(description.length).toBeGreaterThan(10);
      for (const option of options) expect(option.description.length).toBeGreaterThan(3);
    }
    expect(regrain(['plugins']).stdout).toMatch(/^Scheduler$[\s\S]*^ {2}min-peak /m);
  });

  it('list the targets with their memory', () => {
    const found = json<{ id: string; spaces: { name: string; bytes: number | null }[] }[]>(['targets']);
    expect(found.map(({ id }) => id)).toEqual(expect.arrayContaining(['cpu', 'cortex-m7-f746', 'ethos-u55-128', 'npu-2engine']));
    expect(found.find(({ id }) => id === 'cortex-m7-f746')?.spaces[0]).toMatchObject({ name: 'sram', bytes: 320 * 1024 });
    expect(regrain(['targets']).stdout).toContain('sram 320 KiB');
  });

  it('finds this machine fit', () => {
    const found = json<{ healthy: boolean; checks: { name: string; state: string; found: string }[] }>(['doctor'], { cwd: folder });
    expect(found.healthy).toBe(true);
    expect(found.checks.find(({ name }) => name === 'self-check')?.found).toContain('verified');
  });
});

describe('the example of a config file', () => {
  it('is accepted whole, and names what exists', () => {
    const args = ['compile', example('traces', 'gemm-relu-blur.jsonl'), '--config', example('regrain.config.ts')];
    expect(json<{ verified: boolean }>(args)).toMatchObject({ verified: true });
  });
});

describe('a plugin outside the workspace', () => {
  it('is bound by a config file, is listed, and plans a model', () => {
    const cwd = join(workspace, 'examples', 'plugins', 'my-scheduler');
    const listed = json<{ id: string; plugin: string }[]>(['plugins', '--config', 'regrain.config.ts'], { cwd });
    expect(listed).toContainEqual(expect.objectContaining({ id: 'deepest-first', plugin: 'my-scheduler' }));
    interface Found {
      readonly pipeline: Readonly<Record<string, string>>;
      readonly verified: boolean;
    }
    const found = json<Found>(['compile', example('models', 'mbv2_224_qdq.onnx'), '--schedule', 'deepest-first', '--decompose', 'bands'], {
      cwd,
    });
    expect(found.verified).toBe(true);
    expect(Object.values(found.pipeline)).toContain('deepest-first');
  });
});

/** Rows of `id,lower,upper,size,offset`. */
function expectNoOverlap(rows: readonly string[]): void {
  const buffers = rows.map((row) => row.split(',').slice(1).map(Number));
  for (const [i, [lower, upper, size, offset]] of buffers.entries()) {
    for (const [lower2, upper2, size2, offset2] of buffers.slice(i + 1)) {
      const together = lower < upper2 && lower2 < upper;
      expect(together && offset < offset2 + size2 && offset2 < offset + size).toBe(false);
    }
  }
}
