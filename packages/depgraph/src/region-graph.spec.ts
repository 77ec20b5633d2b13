import { expand, type Operand, type Program, wholeTensorGrain } from '@regrain/core-ir';
import { describe, expect, it } from 'vitest';
import { PairwiseAnalyzer } from './pairwise.js';
import { regionGraph } from './region-graph.js';

const tensor = (name: string): Program['tensors'][number] => ({ name, shape: [8], dtype: 'float32', kind: 'computed' });
const at = (mode: 'read' | 'write', of: number, lo: number, hi: number): Operand => ({
  tensor: of,
  mode,
  map: [{ at: lo, size: hi - lo }],
});
const instruction = (name: string, operands: readonly Operand[]): Program['operations'][number] => ({
  name,
  type: name,
  attributes: {},
  domain: [],
  operands,
  macs: 0,
});
const program: Program = {
  name: 'trace',
  trace: true,
  tensors: [tensor('a'), tensor('b')],
  operations: [
    instruction('load', [at('write', 0, 0, 4)]),
    instruction('load', [at('write', 0, 4, 8)]),
    instruction('sum', [at('read', 0, 2, 6), at('write', 1, 0, 4)]),
    instruction('load', [at('write', 0, 0, 4)]),
  ],
  outputs: [1],
  states: [],
};

describe('regionGraph', () => {
  it('has a node per box, and an edge per kind of dependence through two of them, with its pairs of tasks and elements', async () => {
    const work = expand(program, wholeTensorGrain(program));
    const graph = regionGraph(program, work, await new PairwiseAnalyzer().analyze(work, {}));
    expect(graph.mapNodes((_, { label }) => label)).toEqual(['a[0:4]', 'a[4:8]', 'a[2:6]', 'b[0:4]']);
    const name = (node: string): string => graph.getNodeAttribute(node, 'label');
    expect(
      graph.mapEdges((_, { kind, tasks, elements }, from, to) => `${name(from)} ${kind} ${name(to)}: ${tasks} tasks, ${elements} elements`),
    ).toEqual([
      'a[0:4] raw a[2:6]: 1 tasks, 2 elements',
      'a[4:8] raw a[2:6]: 1 tasks, 2 elements',
      'a[0:4] waw a[0:4]: 1 tasks, 4 elements',
      'a[2:6] war a[0:4]: 1 tasks, 2 elements',
    ]);
  });
});
