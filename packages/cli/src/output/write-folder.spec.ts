import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writeFileWhole, writeFolder } from './write-folder.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrain-write-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('writes all files and leaves no temporary ones', () => {
  const out = join(folder, 'a', 'b');
  writeFolder(
    out,
    new Map<string, string | Uint8Array>([
      ['plan.json', '{}'],
      ['plan.bin', new Uint8Array([1])],
    ]),
  );
  expect(readdirSync(out).sort()).toEqual(['plan.bin', 'plan.json']);
  expect(readFileSync(join(out, 'plan.json'), 'utf8')).toBe('{}');
});

it('leaves nothing where a file cannot be written, not even the folders it made', () => {
  const out = join(folder, 'a', 'b');
  expect(() =>
    writeFolder(
      out,
      new Map([
        ['plan.json', '{}'],
        ['x'.repeat(300), ''],
      ]),
    ),
  ).toThrow();
  expect(existsSync(join(folder, 'a'))).toBe(false);
});

it('keeps what somebody else has in the folder when it fails', () => {
  writeFileSync(join(folder, 'mine'), '1');
  mkdirSync(join(folder, 'plan.json'));
  expect(() => writeFolder(folder, new Map([['plan.json', '{}']]))).toThrow();
  expect(readdirSync(folder).sort()).toEqual(['mine', 'plan.json']);
});

it('refuses a file in place of a folder, and a folder in place of a file', () => {
  writeFileSync(join(folder, 'mine'), '1');
  expect(() => writeFolder(join(folder, 'mine'), new Map())).toThrow('this is a file; give a folder');
  expect(() => writeFileWhole(folder, '')).toThrow('this is a folder; give a file');
});
