import { RAW, WAR, WAW } from '@regrain/core-ir';
import { describe, expect, it } from 'vitest';
import { allPairs, tinyPlan } from '../spec-support.js';
import { edgeRows } from './edges.js';
import { regionGraph } from './gexf.js';

const { program, decomposition } = tinyPlan([]);

describe('edgeRows', () => {
  it('is one row per pair and kind, with the elements of that kind', () => {
    const dependences = {
      row: Int32Array.of(0, 0, 0, 2),
      from: Int32Array.of(0, 1),
      kinds: Uint8Array.of(RAW | WAW, WAR),
      elements: Float64Array.of(4, 0, 2, 0, 3, 0),
    };
    expect([...edgeRows(decomposition, dependences, (task) => task)]).toEqual([
      [0, 2, 'raw', 4],
      [0, 2, 'waw', 2],
      [1, 2, 'war', 3],
    ]);
  });
});

describe('regionGraph', () => {
  it('has a node per box and an edge where a dependence runs through two of them', async () => {
    const text = regionGraph(program, decomposition, await allPairs.analyze(decomposition, {}));
    expect([...text.matchAll(/<node id="(\d)" label="([^"]+)"/g)].map(([, id, label]) => [id, label])).toEqual([
      ['0', 'x[0:4]'],
      ['1', 't[0:4]'],
      ['2', 'x[4:8]'],
      ['3', 't[4:8]'],
      ['4', 't[0:8]'],
      ['5', 'y[0:8]'],
    ]);
    expect([...text.matchAll(/source="(\d)" target="(\d)" weight="(\d)"/g)].map((match) => match.slice(1))).toEqual([
      ['1', '4', '1'],
      ['3', '4', '1'],
    ]);
    expect(text).toContain('<attvalue for="kind" value="raw"/><attvalue for="tasks" value="1"/><attvalue for="elements" value="4"/>');
  });
});
