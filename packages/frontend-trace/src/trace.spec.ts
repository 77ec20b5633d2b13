import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { TraceFrontend } from './trace.js';

const folder = mkdtempSync(join(tmpdir(), 'regrain-trace-'));
afterAll(() => rmSync(folder, { recursive: true }));

const header =
  '{"format":"regrain.trace/1","tensors":[{"name":"A","shape":[4,4],"dtype":"float32"},{"name":"B","shape":[8],"dtype":"int8"}]}';
const load = (...lines: string[]) => {
  const path = join(folder, 't.jsonl');
  writeFileSync(path, lines.join('\n'));
  return new TraceFrontend().load(path, { dims: {}, shapes: {} });
};

describe('trace', () => {
  it('reads instructions as operations of one point, empty boxes as nothing', async () => {
    const { program } = await load(
      header,
      '{"op":"x","reads":[["A",[[0,2],[1,4]]]],"writes":[["B",[[0,0]]],["B",[[2,8]]]],"cycles":7,"engine":"pe"}',
      '',
      '{"op":"y","accumulates":[["B",[[0,1]]]]}',
    );
    expect(program.operations.map(({ name, type, cycles, engine, operands }) => ({ name, type, cycles, engine, operands }))).toEqual([
      {
        name: 'x#0',
        type: 'x',
        cycles: 7,
        engine: 'pe',
        operands: [
          {
            tensor: 0,
            mode: 'read',
            map: [
              { at: 0, size: 2 },
              { at: 1, size: 3 },
            ],
          },
          { tensor: 1, mode: 'write', map: [{ at: 2, size: 6 }] },
        ],
      },
      {
        name: 'y#1',
        type: 'y',
        cycles: undefined,
        engine: undefined,
        operands: [{ tensor: 1, mode: 'accumulate', map: [{ at: 0, size: 1 }] }],
      },
    ]);
    expect(program.tensors.map(({ kind }) => kind)).toEqual(['input', 'computed']);
  });

  it.each([
    [['{"op":"x"}'], /t\.jsonl:1: a trace starts with/],
    [['{"format":"regrain.trace/9","tensors":[]}'], /not with format "regrain.trace\/9"/],
    [[''], /the file is empty/],
    [[header, '{"op":'], /t\.jsonl:2: this is no JSON/],
    [[header, '{"op":"x","reads":[["C",[[0,1]]]]}'], /t\.jsonl:2: there is no tensor C/],
    [[header, '{"op":"x","reads":[["A",[[0,1]]]]}'], /box \[\[0,1\]\] has 1 dimensions, tensor A has 2/],
    [[header, '{"op":"x","reads":[["B",[[0,9]]]]}'], /t\.jsonl:2: box \[\[0,9\]\] lies outside tensor B/],
    [[header, '{"op":"x","reads":[["B",[[3,2]]]]}'], /ends before it starts/],
    [[header, '{"op":"x","raeds":[]}'], /unknown key raeds/],
    [[header, '{"op":"x","cycles":-1}'], /t\.jsonl:2: cycles/],
    [[header.replace('int8', 'int7')], /t\.jsonl:1: tensors\[1\]\.dtype/],
    [[header.replace('"B"', '"A"')], /tensor A is declared twice/],
  ])('refuses %j', async (lines, message) => {
    await expect(load(...lines)).rejects.toThrow(message);
  });

  it('has no open dimensions', async () => {
    await expect(Promise.resolve().then(() => new TraceFrontend().load('x.jsonl', { dims: { n: 1 }, shapes: {} }))).rejects.toThrow(
      /no open dimensions/,
    );
  });
});
