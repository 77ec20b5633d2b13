import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { example, json, regrain } from './regrain.js';

interface Found {
  readonly buffers: number;
  readonly height: number;
  readonly loadBound: number;
  readonly solved: boolean;
  readonly provenOptimal: boolean;
  readonly provenInfeasible: boolean;
  readonly nodes: number;
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrain-allocate-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const HEAD = 'id,lower,upper,size';
const GIVEN = `${HEAD},offset`;

function save(name: string, lines: readonly string[]): string {
  const path = join(folder, name);
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

/** Ends with `code` and one line that says this; nothing is written. */
function refuses(lines: readonly string[], args: readonly string[], says: readonly RegExp[], code: number): void {
  const path = save('bad.csv', lines);
  const before = readdirSync(folder).sort();
  const ended = regrain(['allocate', path, '--out', join(folder, 'never.csv'), ...args], { node: ['--max-old-space-size=512'] });
  const told = ended.stderr.trimEnd().split('\n');
  expect(told, ended.stderr).toHaveLength(1);
  expect(told[0]).toMatch(/^regrain: .*bad\.csv/);
  for (const text of says) expect(told[0]).toMatch(text);
  expect(ended.code).toBe(code);
  expect(readdirSync(folder).sort()).toEqual(before);
}

describe('bad tables end with 2 and name the line', () => {
  it.each<readonly [string, readonly string[], readonly RegExp[]]>([
    ['a size of nothing', [HEAD, 'a,0,1,4', 'b,0,2,0'], [/bad\.csv:3: size: 0 is less than 1/]],
    ['a negative size', [HEAD, 'a,0,1,-4'], [/bad\.csv:2: size: -4 is less than 1/]],
    ['times out of order', [HEAD, 'a,0,1,4', 'b,9,3,4'], [/bad\.csv:3: upper: /, /ends at 3, not after its start at 9/]],
    ['no time at all', [HEAD, 'a,7,7,4'], [/bad\.csv:2: upper: /]],
    [
      'given offsets that overlap',
      [GIVEN, 'a,0,9,8,0', 'b,0,4,8,-1', '', 'c,8,12,8,4'],
      [/bad\.csv:5: offset: "c" at \[4, 12\) overlaps "a" of line 2 at \[0, 8\); both live at time 8/],
    ],
    ['sizes beyond exact sums', [HEAD, 'a,0,1,9007199254740000', 'b,0,1,9007199254740000'], [/bad\.csv:3: size: /, /2\^53/]],
    [
      'a line that is too short',
      [HEAD, 'a,0,1,4', 'b,0,1'],
      [/bad\.csv:3: Invalid Record Length: 4 columns are named, but the line has 3/],
    ],
  ])('%s', (_, lines, says) => refuses(lines, [], says, 2));

  it('a budget for an allocator that does not search', () => {
    const { code, stderr } = regrain(['allocate', example('allocation', 'input.12.csv'), '--allocator', 'best-fit', '--budget', '5']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^regrain: --budget.*exact.*best-fit/);
  });

  it('accepts given offsets that only touch, in time or in place', () => {
    const path = save('touch.csv', [GIVEN, 'a,0,4,8,0', 'b,4,8,8,4', 'c,0,4,8,8']);
    expect(json<Found>(['allocate', path])).toMatchObject({ solved: true, height: 16, provenOptimal: true });
  });
});

describe('what cannot fit ends with 1', () => {
  const three = [HEAD, 'a,0,4,8', 'b,2,6,8', 'c,3,5,1'];

  it('below the proven bound: says so at once, with the bound', () => {
    refuses(
      three,
      ['--capacity', '16'],
      [/capacity of 16 bytes is below the proven bound: 17 bytes are required at time 3.*a 8, b 8, c 1/],
      1,
    );
    const { code, stdout } = regrain(['allocate', join(folder, 'bad.csv'), '--capacity', '16', '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ solved: false, provenInfeasible: true, loadBound: 17, nodes: 0 });
  });

  it('a given offset beyond the capacity: names the line', () => {
    refuses(
      [GIVEN, 'a,0,4,8,-1', 'b,0,4,8,12'],
      ['--capacity', '19'],
      [/bad\.csv:3: no packing exists: "b" ends at 20/, /capacity of 19/],
      1,
    );
  });

  it('between the bound and the lowest packing: proves it by search', () => {
    const aligned = [`${HEAD},alignment`, 'a,0,2,3,4', 'b,0,2,3,4', 'c,0,2,1,4'];
    refuses(aligned, ['--capacity', '8'], [/no packing exists, by exhaustion; the best found takes 9 bytes/], 1);
  });
});

describe('the default allocator', () => {
  it('searches where the list orders do not fit', () => {
    const hard = example('allocation', 'A.1048576.csv');
    const found = json<Found>(['allocate', hard, '--capacity', '1048576']);
    expect(found).toMatchObject({ solved: true, height: 1048576, provenOptimal: true });
    expect(found.nodes).toBeGreaterThan(0);
    expect(json<Found>(['allocate', hard])).toMatchObject({ height: 1048576, provenOptimal: true });
  });

  it('ends by its budget with the best so far', () => {
    const hard = example('allocation', 'A.1048576.csv');
    const found = json<Found>(['allocate', hard, '--budget', '0.001']);
    expect(found).toMatchObject({ solved: true, provenOptimal: false });
    expect(found.height).toBeGreaterThan(found.loadBound);
  });

  it('does not search where the list orders reach the bound', () => {
    expect(json<Found>(['allocate', save('easy.csv', [HEAD, 'a,0,4,8', 'b,4,8,8'])])).toMatchObject({
      height: 8,
      provenOptimal: true,
      nodes: 0,
    });
  });
});

describe('sizes that are out of the ordinary', () => {
  it('buffers of billions of bytes, and times far apart', () => {
    const lines = [HEAD, 'a,0,1000000000000,1000000000', 'b,5,6,5000000000', 'c,-7,6,3', 'd,6,999999999999,4000000000000'];
    expect(json<Found>(['allocate', save('giant.csv', lines)])).toMatchObject({ height: 4001000000000, provenOptimal: true });
  });

  it('a million buffers within a usual heap', () => {
    const count = 1_000_000;
    const lines = [HEAD];
    for (let k = 0; k < count; k++) {
      const lower = (k * 7919) % count;
      lines.push(`${k},${lower},${lower + 1 + ((k * 104729) % 200)},${1 + ((k * 1299709) % 65536)}`);
    }
    const path = save('many.csv', lines);
    const out = join(folder, 'many.placed.csv');
    const found = json<Found>(['allocate', path, '--out', out], { node: ['--max-old-space-size=2048'] });
    expect(found).toMatchObject({ buffers: count, solved: true });
    expect(found.height).toBeLessThan(1.15 * found.loadBound);
    expect(readFileSync(out, 'utf8').split('\n', 2)[0]).toBe(`${HEAD},offset`);
  }, 120_000);
});
