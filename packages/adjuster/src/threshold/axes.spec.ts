import type { Program } from '@regrain/core-ir';
import { describe, expect, it } from 'vitest';
import { convChain } from '../spec-support.js';
import { findAxes } from './axes.js';

const none = (program: Program) => program.tensors.map(() => []);

describe('axes', () => {
  const program = convChain(3, 16);
  const axes = findAxes(program, none(program));

  it('cuts convolutions along rows and columns, not along channels that a reader sums over', () => {
    for (const tensor of [0, 1, 2]) expect(axes.cuttable[tensor]).toEqual([1, 2]);
    expect(new Set(axes.cuttable[3])).toEqual(new Set([0, 1, 2]));
    // The output's channels could be cut, but nothing else with them.
    expect(axes.cuttable[3].at(-1)).toBe(0);
  });

  it('joins the rows of all tensors, and no channels', () => {
    const rows = new Set([0, 1, 2, 3].map((tensor) => axes.chain(tensor, 1)));
    const channels = new Set([0, 1, 2, 3].map((tensor) => axes.chain(tensor, 0)));
    expect(rows.size).toBe(1);
    expect(channels.size).toBe(4);
    expect(axes.chain(0, 1)).not.toBe(axes.chain(0, 2));
  });

  it('knows the halo of a window', () => {
    expect(axes.halo(0, 1)).toBe(2);
    expect(axes.halo(3, 1)).toBe(0);
    const pointwise = convChain(1, 16, { kernel: 1 });
    expect(findAxes(pointwise, none(pointwise)).halo(0, 1)).toBe(0);
  });

  it('takes the outermost of equally long chains in storage order', () => {
    const order = program.tensors.map(() => [2, 1, 0]);
    expect(findAxes(program, order).cuttable[0]).toEqual([2, 1]);
  });

  it('lets a trace be cut anywhere, outermost first', () => {
    const trace: Program = {
      ...program,
      trace: true,
      operations: program.operations.map((operation) => ({
        ...operation,
        domain: [],
        operands: operation.operands.map(({ tensor, mode }) => ({ tensor, mode, map: [4, 16, 8].map((size) => ({ at: 0, size })) })),
      })),
    };
    expect(findAxes(trace, none(trace)).cuttable[1]).toEqual([0, 1, 2]);
  });
});
