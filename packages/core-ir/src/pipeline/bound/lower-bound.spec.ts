import { describe, expect, it } from 'vitest';
import type { Constraint } from '../../ir/constraint.js';
import type { IndexMap } from '../../ir/index-map.js';
import type { Operation, Program } from '../../ir/program.js';
import { blurs, machine } from '../spec-support.js';
import { lowerBound } from './lower-bound.js';

const boundOf = (...args: Parameters<typeof lowerBound>): number => lowerBound(...args).bytes;
const input = (tensor: string, access: 'resident' | 'streamed' | 'external'): Constraint => ({ kind: 'input', tensor, access });
const tensor = (name: string, shape: number[], kind: 'input' | 'computed' = 'computed') => ({ name, shape, dtype: 'int8' as const, kind });
const at = (...dimensions: number[]): IndexMap => dimensions.map((d) => ({ at: { d } }));
const body = { acc: 'int8', init: 0, step: 'acc', finish: 'acc' } as const;

function operation(
  name: string,
  extents: number[],
  reductions: number[],
  reads: readonly [number, IndexMap][],
  write: [number, IndexMap],
): Operation {
  return {
    name,
    type: name,
    attributes: {},
    domain: extents.map((extent, d) => ({ extent, kind: reductions.includes(d) ? 'reduction' : 'parallel' })),
    operands: [
      ...reads.map(([id, map]) => ({ tensor: id, mode: 'read' as const, map })),
      { tensor: write[0], mode: 'write' as const, map: write[1] },
    ],
    body,
    macs: extents.reduce((a, b) => a * b, 1),
  };
}

/** x [64] → a [64]; s [1] = sum of every `stride`-th a; y [64] = a · s; z [1] = sum of y. */
function gated(stride: 1 | 2): Program {
  const scalar: IndexMap = [{ at: 0 }];
  const strided: IndexMap = [{ at: stride === 1 ? { d: 1 } : ['*', { d: 1 }, 2] }];
  return {
    name: 'gated',
    tensors: [tensor('x', [64], 'input'), tensor('a', [64]), tensor('s', [1]), tensor('y', [64]), tensor('z', [1])],
    operations: [
      operation('map', [64], [], [[0, at(0)]], [1, at(0)]),
      operation('sum', [1, 64 / stride], [1], [[1, strided]], [2, at(0)]),
      operation(
        'scale',
        [64],
        [],
        [
          [1, at(0)],
          [2, scalar],
        ],
        [3, at(0)],
      ),
      operation('total', [1, 64], [1], [[3, at(1)]], [4, at(0)]),
    ],
    outputs: [4],
    states: [],
  };
}

/** `gated`, and then r [64] = y + x; with `late` false r reads a map of x in place of y, so it may run before the gate is there. */
function withResidual(late: boolean): Program {
  const base = gated(1);
  const [map, sum, scale] = base.operations;
  return {
    ...base,
    tensors: [...base.tensors, tensor('r', [64]), tensor('q', [1])],
    operations: [
      map,
      sum,
      scale,
      operation(
        'add',
        [64],
        [],
        [
          [0, at(0)],
          [late ? 3 : 1, at(0)],
        ],
        [5, at(0)],
      ),
      operation(
        'end',
        [1, 64],
        [1],
        [
          [5, at(1)],
          [3, at(1)],
        ],
        [6, at(0)],
      ),
    ],
    outputs: [6],
  };
}

describe('lowerBound', () => {
  it('adds what waits for the gated result: the input of a residual block', () => {
    expect(boundOf(withResidual(true), machine, [input('x', 'streamed')])).toBe(129);
    expect(boundOf(withResidual(true), machine, [input('x', 'external')])).toBe(65);
    expect(boundOf(withResidual(false), machine, [input('x', 'streamed')])).toBe(129);
  });

  it('is all outputs, or all resident inputs', () => {
    const { program } = blurs(2, 16);
    expect(boundOf(program, machine, [input('t0', 'streamed')])).toBe(128);
    const summed = { ...program, outputs: [] };
    expect(boundOf(summed, machine, [input('t0', 'resident')])).toBe(128);
    expect(boundOf(summed, machine, [input('t0', 'external')])).toBe(0);
  });

  it('holds a tensor that is needed again after something that depends on all of it', () => {
    expect(boundOf(gated(1), machine, [input('x', 'streamed')])).toBe(65);
  });

  it('names the moment and what is held then', () => {
    expect(lowerBound(withResidual(true), machine, [input('x', 'streamed')])).toEqual({
      bytes: 129,
      when: 'before the first element of y',
      holds: [
        { tensor: 'x', bytes: 64 },
        { tensor: 'a', bytes: 64 },
        { tensor: 's', bytes: 1 },
      ],
    });
  });

  it('counts an operation without multiply-accumulates as one that may run again', () => {
    const base = gated(1);
    const [map, ...rest] = base.operations;
    const free = { ...base, operations: [{ ...map, macs: 0 }, ...rest] };
    expect(boundOf(free, machine, [input('x', 'external')])).toBe(1);
    expect(boundOf(free, machine, [input('x', 'streamed')])).toBe(65);
  });

  it('holds all of an output but one element and what that one still reads, or sums of it', () => {
    const scalars = operation('dense', [8, 64], [1], [[0, at(1)]], [1, at(0)]);
    const program = { ...gated(1), tensors: [tensor('x', [64], 'input'), tensor('y', [8])], operations: [scalars], outputs: [1] };
    // Sums of a byte each: as many as results, begun before the first is complete.
    expect(boundOf(program, machine, [input('x', 'streamed')])).toBe(8);
    const wide = { ...program, operations: [{ ...scalars, body: { ...body, acc: 'int32' as const } }] };
    expect(boundOf(wide, machine, [input('x', 'streamed')])).toBe(32);
    const short = {
      ...wide,
      tensors: [tensor('x', [64], 'input'), tensor('y', [80])],
      operations: [
        {
          ...wide.operations[0],
          domain: [
            { extent: 80, kind: 'parallel' as const },
            { extent: 64, kind: 'reduction' as const },
          ],
        },
      ],
    };
    expect(boundOf(short, machine, [input('x', 'streamed')])).toBe(79 + 64);
  });

  it('does not claim so of a stride that leaves elements out', () => {
    expect(boundOf(gated(2), machine, [input('x', 'streamed')])).toBe(1);
  });

  it('claims only single points where data may move out', () => {
    const spilling = {
      ...machine,
      spaces: [...machine.spaces, { name: 'dram', bytes: Number.POSITIVE_INFINITY, align: 4, counted: false }],
      engines: [...machine.engines, { name: 'dma', spaces: [0, 1], runs: 'moves' as const }],
    };
    expect(boundOf(gated(1), spilling, [input('x', 'streamed')])).toBe(0);
    const opaque = gated(1).operations.map(({ body: _, ...rest }) => rest);
    // One point of the sum reads all of a and writes one byte.
    expect(boundOf({ ...gated(1), operations: opaque }, spilling, [input('x', 'streamed')])).toBe(65);
  });
});
