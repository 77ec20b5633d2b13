import { describe, expect, it } from 'vitest';
import { type Grain, wholeTensorGrain } from '../ir/grain.js';
import type { IndexMap } from '../ir/index-map.js';
import type { Operation, Program } from '../ir/program.js';
import { checkGrain } from '../pipeline/checks/grain.js';
import { extended, programOf } from './copies.js';
import { edit } from './edit.js';
import { expand } from './expand.js';

const whole: IndexMap = [{ at: { d: 0 } }];
const body = { acc: 'float32', init: 0, step: 0, finish: { fn: 'add', args: [{ x: 0 }, 1] } } as const;

function operation(name: string, reads: readonly number[], to: number): Operation {
  return {
    name,
    type: 'Step',
    attributes: {},
    domain: [{ extent: 4, kind: 'parallel' }],
    operands: [...reads.map((tensor) => ({ tensor, mode: 'read' as const, map: whole })), { tensor: to, mode: 'write', map: whole }],
    body,
    macs: 4,
  };
}

/** x → a → b → c → d, and a → late, which reads d too. */
function program(): Program {
  const tensor = (name: string, kind: 'input' | 'computed') => ({ name, shape: [4], dtype: 'float32' as const, kind });
  return {
    name: 'skip',
    tensors: [tensor('x', 'input'), ...['a', 'b', 'c', 'd', 'y'].map((name) => tensor(name, 'computed'))],
    operations: [
      operation('a', [0], 1),
      operation('b', [1], 2),
      operation('c', [2], 3),
      operation('d', [3], 4),
      operation('late', [4, 1], 5),
    ],
    outputs: [5],
    states: [],
  };
}

const again = [{ operations: [0], readers: [4] }];
const grainOf = (copies: Grain['copies']): Grain => ({ ...wholeTensorGrain(programOf(program(), { copies })), copies });

describe('copies', () => {
  it('stand right before their first reader, which reads what they make', () => {
    const { program: made, operationOf, copyOf, tensorOf } = extended(program(), again);
    expect(operationOf).toEqual([0, 1, 2, 3, 0, 4]);
    expect(copyOf).toEqual([-1, -1, -1, -1, 0, -1]);
    expect(tensorOf).toEqual([0, 1, 2, 3, 4, 5, 1]);
    expect(made.operations[5].operands.map(({ tensor }) => tensor)).toEqual([4, 6, 5]);
    expect(made.operations[1].operands[0].tensor).toBe(1);
  });

  it('expand to replicas, computed by tasks that name their copy', () => {
    const work = expand(program(), grainOf(again));
    expect(work.tasks.map(({ operation: o, copy }) => [o, copy])).toEqual([
      [0, undefined],
      [1, undefined],
      [2, undefined],
      [3, undefined],
      [0, 0],
      [4, undefined],
    ]);
    expect(work.instances.map(({ tensor, role }) => [tensor, role]).at(-1)).toEqual([1, 'replica']);
    const late = work.tasks[5].accesses.map(({ instance }) => instance);
    expect(late).toEqual([4, 6, 5]);
  });

  it('take the place of originals that nobody reads any more: a move', () => {
    const { operationOf, copyOf } = extended(program(), [{ operations: [1, 2], readers: [3] }]);
    expect(operationOf).toEqual([0, 1, 2, 3, 4]);
    expect(copyOf).toEqual([-1, 0, 0, -1, -1]);
    const work = expand(program(), grainOf([{ operations: [1, 2], readers: [3] }]));
    expect(work.tasks.filter(({ operation: o }) => o === 1)).toHaveLength(1);
    expect(work.regions.some(({ instance }) => instance === 2)).toBe(false);
  });

  it('of copies count what the earlier ones left', () => {
    const { operationOf } = extended(program(), [...again, { operations: [3], readers: [5] }]);
    expect(operationOf).toEqual([0, 1, 2, 0, 3, 4]);
  });

  it('leave edits to count the operations of the program', () => {
    const moved = { kind: 'recompute', tensor: 1, reader: 4, along: [0] } as const;
    expect(edit(program(), grainOf([{ operations: [1], readers: [2] }, ...again]), moved).recompute[0].reader).toBe(5);
  });

  it.each([
    ['operations after the readers', [{ operations: [4], readers: [4] }], /not their own readers/],
    ['nothing', [{ operations: [], readers: [4] }], /names operations and readers/],
    ['readers that are not there', [{ operations: [0], readers: [9] }], /readers that the program has/],
    ['a place before what they read', [{ operations: [2], readers: [3], at: 1 }], /stands before operation b/],
    ['a place behind the readers', [{ operations: [0], readers: [1], at: 3 }], /stands before its readers/],
  ])('refuses %s, and names the decomposer', (_, copies, message) => {
    const grain = { ...wholeTensorGrain(program()), copies };
    expect(() => checkGrain('plugin p', program(), grain)).toThrow(message);
    expect(() => checkGrain('plugin p', program(), grain)).toThrow(/plugin p/);
  });
});
