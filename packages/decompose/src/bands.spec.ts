import { type Box, expand, type IndexMap, type Operation, type Program } from '@regrain/core-ir';
import { describe, expect, it } from 'vitest';
import { BandsDecomposer, bandsOptions } from './bands.js';
import { seedAxis, streamBands } from './stream-axis.js';

const d = (n: number, offset = 0): IndexMap[number] => ({ at: offset ? ['+', { d: n }, offset] : { d: n } });
const body = { acc: 'float32', init: 0, step: { fn: 'add', args: ['acc', { x: 0 }] }, finish: 'acc' } as const;

interface Reads {
  readonly from: number;
  readonly map: IndexMap;
}

/** One operation: the parallel extents are the result's, `reduce` follows. */
function operation(
  name: string,
  reads: readonly Reads[],
  to: number,
  extents: readonly number[],
  reduce: readonly number[] = [],
  write?: IndexMap,
): Operation {
  return {
    name,
    type: 'Test',
    attributes: {},
    domain: [
      ...extents.map((extent) => ({ extent, kind: 'parallel' as const })),
      ...reduce.map((extent) => ({ extent, kind: 'reduction' as const })),
    ],
    operands: [
      ...reads.map(({ from, map }) => ({ tensor: from, mode: 'read' as const, map, outside: 0 })),
      { tensor: to, mode: 'write', map: write ?? extents.map((_, k) => d(k)) },
    ],
    body,
    macs: 1,
  };
}

function program(shapes: readonly (readonly number[])[], operations: readonly Operation[]): Program {
  const tensors = shapes.map((shape, k) => ({
    name: `t${k}`,
    shape,
    dtype: 'int8' as const,
    kind: k === 0 ? ('input' as const) : ('computed' as const),
  }));
  return { name: 'test', tensors, operations, outputs: [shapes.length - 1], states: [] };
}

const streams = { axis: 'rows', rows: 1, maxBands: 1024 } as const;
const decompose = (target: Program, options = {}) => new BandsDecomposer(bandsOptions.parse(options)).decompose(target, undefined as never);
const range = (n: number): number[] => Array.from({ length: n }, (_, k) => k);

describe('stream axis', () => {
  it('starts at the height of maps and at the sequence of [N, T, C]', () => {
    expect(
      [
        [1, 3, 8, 9],
        [1, 5, 7],
        [1, 1000],
        [1, 16, 1, 1],
      ].map((shape) => seedAxis(shape, 'rows')),
    ).toEqual([2, 1, -1, -1]);
    expect(seedAxis([1, 3, 8, 9], 'columns')).toBe(3);
  });

  it('follows a strided window to the rows of the result', () => {
    const strided: IndexMap = [d(0), d(4), { at: ['+', ['+', ['*', { d: 2 }, 2], { d: 5 }], -1] }, d(3)];
    const bands = streamBands(
      program(
        [
          [1, 2, 8, 4],
          [1, 3, 4, 4],
        ],
        [operation('conv', [{ from: 0, map: strided }], 1, [1, 3, 4, 4], [2, 3])],
      ),
      streams,
    );
    expect(bands[1]).toEqual({ axis: 2, cuts: [1, 2, 3] });
  });

  it('follows a transposition, and gives a flattened axis one band per row', () => {
    const flat: IndexMap = [d(0), d(2), { at: ['div', { d: 1 }, 10] }, { at: ['mod', { d: 1 }, 10] }];
    const bands = streamBands(
      program(
        [
          [1, 2, 4, 10],
          [1, 40, 2],
        ],
        [operation('flatten', [{ from: 0, map: flat }], 1, [1, 40, 2])],
      ),
      streams,
    );
    expect(bands[1]).toEqual({ axis: 1, cuts: [10, 20, 30] });
  });
});

describe('bands', () => {
  it('cuts concatenated tensors between their producers, so that each part has its own storage', () => {
    const copy = (offset: number): IndexMap => [d(0), d(1, offset), d(2), d(3)];
    const map = range(4).map((k) => d(k));
    const grain = decompose(
      program(
        [
          [1, 2, 3, 4],
          [1, 5, 3, 4],
        ],
        [
          operation('a', [{ from: 0, map }], 1, [1, 2, 3, 4], [], copy(0)),
          operation('b', [{ from: 0, map }], 1, [1, 3, 3, 4], [], copy(2)),
        ],
      ),
    );
    expect(grain.regions[1]).toHaveLength(6);
    expect(grain.regions[1][0]).toEqual([
      [0, 1],
      [0, 2],
      [0, 1],
      [0, 4],
    ]);
  });

  it('splits global pooling into a partial sum per row, and can leave it whole', () => {
    const pooled = program(
      [
        [1, 2, 8, 4],
        [1, 2, 1, 1],
      ],
      [operation('pool', [{ from: 0, map: [d(0), d(1), d(2), d(3)] }], 1, [1, 2], [8, 4], [d(0), d(1), { at: 0 }, { at: 0 }])],
    );
    expect(decompose(pooled).reduce).toEqual([{ operation: 0, axis: 2, parts: 8 }]);
    expect(decompose(pooled, { partialSums: false }).reduce).toEqual([]);
  });

  it('fits bands to a cache: a power of two of rows, and what is small enough whole', () => {
    // 16 rows of 64 bytes; half as many rows and channels; a quarter of both, which is 64 bytes.
    const halved = (k: number, channels: number, side: number, extents: readonly number[]): Operation => {
      const at = (n: number): IndexMap[number] => ({ at: ['+', ['*', { d: n }, 2], { d: n + 2 }] });
      return operation(`pool${k}`, [{ from: k, map: [d(0), d(1), at(2), at(3)] }], k + 1, [1, channels, side, side], extents);
    };
    const shapes = [
      [1, 4, 16, 16],
      [1, 4, 8, 8],
      [1, 4, 4, 4],
    ];
    const chain = program(shapes, [halved(0, 4, 8, [2, 2]), halved(1, 4, 4, [2, 2])]);
    const rowsOf = (bandBytes: number): number[][] =>
      decompose(chain, { bandBytes }).regions.map((boxes) => boxes.map(([, , [lo, hi]]) => hi - lo));
    expect(rowsOf(200)).toEqual([range(8).map(() => 2), range(2).map(() => 4), []]);
    expect(rowsOf(64)).toEqual([range(16).map(() => 1), range(4).map(() => 2), []]);
    expect(rowsOf(4096)).toEqual([[], [], []]);
  });

  it('makes regions that cover each tensor exactly once, whatever the band height', () => {
    const map = range(4).map((k) => d(k));
    for (const rows of [1, 2, 3, 7, 50]) {
      const target = program(
        [
          [1, 2, 7, 4],
          [1, 2, 7, 4],
        ],
        [operation('relu', [{ from: 0, map }], 1, [1, 2, 7, 4])],
      );
      const work = expand(target, decompose(target, { rows }));
      const covered = work.regions.filter(({ instance }) => instance === 1).map(({ box }): Box[number] => box[2]);
      expect(covered.flatMap(([lo, hi]) => range(hi - lo).map((k) => lo + k))).toEqual(range(7));
      expect(Math.max(...covered.map(([lo, hi]) => hi - lo))).toBe(Math.min(rows, 7));
    }
  });
});
