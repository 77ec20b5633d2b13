import { describe, expect, it } from 'vitest';
import type { Box } from '../ir/box.js';
import { type Grain, wholeTensorGrain } from '../ir/grain.js';
import type { IndexMap } from '../ir/index-map.js';
import type { Operation, Program } from '../ir/program.js';
import { edit, editAll } from './edit.js';
import { expand } from './expand.js';

const identity: IndexMap = [{ at: { d: 0 } }, { at: { d: 1 } }];
const body = { acc: 'float32', init: 0, step: { fn: 'add', args: ['acc', { x: 0 }] }, finish: 'acc' } as const;

/** [8, 6] → 3-row blur → 3-column blur → row sums. */
function program(): Program {
  const blur = (name: string, from: number, to: number, axis: number): Operation => ({
    name,
    type: 'Blur',
    attributes: {},
    domain: [
      { extent: 8, kind: 'parallel' },
      { extent: 6, kind: 'parallel' },
      { extent: 3, kind: 'reduction' },
    ],
    operands: [
      {
        tensor: from,
        mode: 'read',
        outside: 0,
        map: identity.map((range, d) => (d === axis ? { at: ['+', ['+', { d: axis }, { d: 2 }], -1] as const } : range)),
      },
      { tensor: to, mode: 'write', map: identity },
    ],
    body,
    macs: 144,
  });
  const sum: Operation = {
    name: 'sum',
    type: 'Sum',
    attributes: {},
    domain: [
      { extent: 6, kind: 'parallel' },
      { extent: 8, kind: 'reduction' },
    ],
    operands: [
      { tensor: 2, mode: 'read', map: [{ at: { d: 1 } }, { at: { d: 0 } }] },
      { tensor: 3, mode: 'write', map: [{ at: { d: 0 } }] },
    ],
    body,
    macs: 48,
  };
  const tensor = (name: string, shape: number[], kind: 'input' | 'computed') => ({ name, shape, dtype: 'float32' as const, kind });
  return {
    name: 'blurs',
    tensors: [tensor('x', [8, 6], 'input'), tensor('a', [8, 6], 'computed'), tensor('b', [8, 6], 'computed'), tensor('s', [6], 'computed')],
    operations: [blur('rows', 0, 1, 0), blur('columns', 1, 2, 1), sum],
    outputs: [3],
    states: [],
  };
}

const rows = (cuts: readonly number[]): Box[] =>
  [0, ...cuts].map((lo, k) => [
    [lo, [...cuts, 8][k]],
    [0, 6],
  ]);
const withRegions = (grain: Grain, tensor: number, boxes: readonly Box[]): Grain => ({
  ...grain,
  regions: grain.regions.map((old, t) => (t === tensor ? boxes : old)),
});

describe('expand', () => {
  it('makes one task per operation and one region per tensor of the whole-tensor grain', () => {
    const work = expand(program(), wholeTensorGrain(program()));
    expect(work.tasks.map(({ operation }) => operation)).toEqual([0, 1, 2]);
    expect(work.regions.map(({ instance, bytes }) => [instance, bytes])).toEqual([
      [0, 192],
      [1, 192],
      [2, 192],
      [3, 24],
    ]);
  });

  it('gives each band the halo that its index map asks for, clipped to the tensor', () => {
    const work = expand(program(), withRegions(wholeTensorGrain(program()), 1, rows([4])));
    const [first, second] = work.tasks.filter(({ operation }) => operation === 0);
    expect(first.accesses.map(({ box }) => box[0])).toEqual([
      [0, 5],
      [0, 4],
    ]);
    expect(second.accesses.map(({ box }) => box[0])).toEqual([
      [3, 8],
      [4, 8],
    ]);
  });

  it('cuts replicas, along what they share, where the regions of their tensor end', () => {
    const whole = withRegions(wholeTensorGrain(program()), 1, rows([2, 5]));
    const work = expand(program(), { ...whole, recompute: [{ tensor: 1, reader: 1, along: [1] }] });
    const made = work.regions.filter(({ instance }) => work.instances[instance].role === 'replica').map(({ box }) => box[0]);
    expect(made).toEqual([
      [0, 2],
      [2, 5],
      [5, 8],
    ]);
  });

  it('recomputes private columns in replicas that share their rows', () => {
    const tiles: Box[] = [
      [
        [0, 4],
        [0, 3],
      ],
      [
        [4, 8],
        [0, 3],
      ],
      [
        [0, 4],
        [3, 6],
      ],
      [
        [4, 8],
        [3, 6],
      ],
    ];
    const grain = { ...withRegions(wholeTensorGrain(program()), 2, tiles), recompute: [{ tensor: 1, reader: 1, along: [1] }] };
    const work = expand(program(), grain);
    const replicas = work.instances.flatMap(({ role }, id) => (role === 'replica' ? [id] : []));
    expect(replicas).toHaveLength(2); // one per column range: [0, 4) and [2, 6)
    expect(work.regions.filter(({ instance }) => replicas.includes(instance)).map(({ box }) => box)).toEqual([
      [
        [0, 4],
        [0, 4],
      ],
      [
        [4, 8],
        [0, 4],
      ],
      [
        [0, 4],
        [2, 6],
      ],
      [
        [4, 8],
        [2, 6],
      ],
    ]);
    expect(work.regions.some(({ instance }) => instance === 1)).toBe(false); // the primary is not wanted
    const computed = work.tasks.filter(({ operation }) => operation === 0);
    expect(computed).toHaveLength(4);
    for (const task of work.tasks.filter(({ operation }) => operation === 1)) expect(replicas).toContain(task.accesses[0].instance);
  });

  it('splits a reduction into init, partial sums and finish over one accumulator', () => {
    const work = expand(program(), { ...wholeTensorGrain(program()), reduce: [{ operation: 2, axis: 1, parts: 3 }] });
    const sums = work.tasks.filter(({ operation }) => operation === 2);
    expect(sums.map(({ phase }) => phase)).toEqual(['init', 'step', 'step', 'step', 'finish']);
    expect(sums.slice(1, 4).map(({ box }) => box[1])).toEqual([
      [0, 2],
      [2, 5],
      [5, 8],
    ]);
    expect(sums.map(({ accesses }) => accesses.map(({ mode }) => mode))).toEqual([
      ['write'],
      ['read', 'accumulate'],
      ['read', 'accumulate'],
      ['read', 'accumulate'],
      ['read', 'write'],
    ]);
  });
});

describe('edit', () => {
  const whole = [
    [0, 8],
    [0, 6],
  ] as const;

  it('splits a region, and its tasks with it', () => {
    const grain = edit(program(), wholeTensorGrain(program()), {
      kind: 'split',
      at: { tensor: 1, box: whole },
      axis: 0,
      cut: 3,
      tasks: true,
    });
    expect(grain.regions[1]).toEqual(rows([3]));
    expect(expand(program(), grain).tasks.filter(({ operation }) => operation === 0)).toHaveLength(2);
  });

  it('leaves the tasks as they were where asked to', () => {
    const grain = edit(program(), wholeTensorGrain(program()), {
      kind: 'split',
      at: { tensor: 1, box: whole },
      axis: 0,
      cut: 3,
      tasks: false,
    });
    const work = expand(program(), grain);
    expect(work.tasks.filter(({ operation }) => operation === 0)).toHaveLength(1);
    expect(work.regions.filter(({ instance }) => instance === 1)).toHaveLength(2);
  });

  it('merges back what it split', () => {
    const start = wholeTensorGrain(program());
    const [upper, lower] = rows([3]);
    expect(
      editAll(program(), start, [
        { kind: 'split', at: { tensor: 1, box: whole }, axis: 0, cut: 3, tasks: true },
        { kind: 'merge', tensor: 1, boxes: [upper, lower], tasks: true },
      ]),
    ).toEqual(start);
  });

  it.each([
    [
      'a region that is not there',
      {
        kind: 'split',
        at: {
          tensor: 1,
          box: [
            [0, 2],
            [0, 6],
          ],
        },
        axis: 0,
        cut: 1,
        tasks: true,
      },
      /no region \[0:2, 0:6\]/,
    ],
    ['a cut outside', { kind: 'split', at: { tensor: 1, box: whole }, axis: 0, cut: 8, tasks: true }, /cut 8 lies outside/],
    ['a merge of the unknown', { kind: 'merge', tensor: 1, boxes: rows([3]) as never, tasks: true }, /has no regions/],
    ['a reduction over a parallel axis', { kind: 'reduce', operation: 2, axis: 0, parts: 2 }, /no reduction/],
  ] as const)('refuses %s', (_, change, message) => {
    expect(() => edit(program(), wholeTensorGrain(program()), change)).toThrow(message);
  });
});
