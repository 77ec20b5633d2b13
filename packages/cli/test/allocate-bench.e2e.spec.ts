import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { example, json, regrain } from './regrain.js';

interface Row {
  readonly case: string;
  readonly metric: string;
  readonly ours: number;
  readonly peer: number | null;
  readonly peerName: string;
  readonly ratio: number | null;
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrain-bench-allocate-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const of = (rows: readonly Row[], metric: string): Row[] => rows.filter((row) => row.metric === metric);

/** A program with MinimAlloc's command line. */
function peer(name: string, body: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
  return path;
}

describe('bench allocate', () => {
  it('solves the instances of the repository at the capacities of their names', () => {
    const { rows } = json<{ rows: readonly Row[] }>(['bench', 'allocate']);
    expect(of(rows, 'height')).toMatchObject([
      { case: 'A.1048576.csv', ours: 1048576, peer: 1048576, ratio: 1 },
      { case: 'input.12.csv', ours: 12, peer: 12, ratio: 1 },
    ]);
    expect(of(rows, 'solved').every(({ ours }) => ours === 1)).toBe(true);
    const { stdout } = regrain(['bench', 'allocate', '--only', 'input']);
    expect(stdout).toMatch(/1 of 1 solved/);
    expect(stdout).toMatch(/Calibration loop: \d+ ms/);
    expect(stdout).toMatch(/recorded, not measured here.*0 of them are here, so no ratio/);
  });

  it('tries the load bound where it is below the capacity, and says what stays open or is impossible', () => {
    const own = join(folder, 'own');
    mkdirSync(own);
    copyFileSync(example('allocation', 'input.12.csv'), join(own, 'input.15.csv'));
    // Three bytes at a multiple of four, twice, and one more: 7 live, 9 are needed.
    writeFileSync(join(own, 'aligned.12.csv'), 'id,lower,upper,size,alignment\na,0,2,3,4\nb,0,2,3,4\nc,0,2,1,4\n');
    writeFileSync(join(own, 'free.csv'), 'id,lower,upper,size\na,0,2,3\nb,1,3,4\n');
    const { stdout, code } = regrain(['bench', 'allocate', '--instances', own]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/aligned\.12\.csv at the bound +3 +7 +7 +9 .* no +none exists/);
    expect(stdout).toMatch(/input\.15\.csv at the bound +5 +12 +12 +12 .* yes +lowest/);
    expect(stdout).toMatch(/free\.csv +2 +7 +- +7 .* yes +lowest/);
  });

  it("runs MinimAlloc's program beside", () => {
    const solves = peer('solves', 'for each in "$@"; do echo "$each"; done > "$(dirname "$0")/seen"');
    const { rows } = json<{ rows: readonly Row[] }>(['bench', 'allocate', '--only', 'input', '--minimalloc', solves]);
    expect(of(rows, 'solved')).toMatchObject([{ ours: 1, peer: 1, peerName: 'MinimAlloc' }]);
    expect(of(rows, 'processor time')[0].peer).not.toBeNull();
    const { stdout } = regrain(['bench', 'allocate', '--only', 'input', '--minimalloc', peer('fails', 'exit 1')]);
    expect(stdout).toMatch(/\(unsolved\)/);
    expect(stdout).not.toMatch(/recorded/);
  });

  it('names a program or a folder that is not there', () => {
    expect(regrain(['bench', 'allocate', '--only', 'input', '--minimalloc', './nothing'])).toMatchObject({ code: 2, stdout: '' });
    const { code, stderr } = regrain(['bench', 'allocate', '--instances', join(folder, 'nothing')]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^regrain: --instances .*nothing: no such folder or file\n$/);
  });
});
