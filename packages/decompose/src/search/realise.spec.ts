import { type Box, ELEMENT_BYTES, expand, type Program, volume } from '@regrain/core-ir';
import { simplePlan, testMachine, verify } from '@regrain/testkit';
import { describe, expect, it } from 'vitest';
import { frontOf, searchOptions } from '../search.js';
import { geometryOf } from './geometry.js';
import { realise } from './realise.js';
import { network } from './spec-support.js';

const external = { kind: 'input', tensor: 'x', access: 'external' } as const;

describe('regions of what is stored', () => {
  it('are whole across channels that tasks make in groups', () => {
    const squeezed = { expand: 4, kernel: 3, stride: 1, channels: 2, residual: false, squeeze: true } as const;
    const program = network(6, [squeezed], false);
    const rest = { columns: 0, bytes: 0, macs: 0, held: undefined };
    const segments = [
      { ...rest, first: 0, last: 2, groups: 4 },
      { ...rest, first: 2, last: program.operations.length },
    ];
    const grain = realise(geometryOf(program), segments, 1024, 64);
    const channels = ([, [lo, hi]]: Box): number => hi - lo;
    const [wide, slid] = [1, 2];
    expect(new Set(grain.regions[wide].map(channels))).toEqual(new Set([2]));
    expect(new Set(grain.regions[slid].map(channels))).toEqual(new Set([8]));
    expect(grain.regions[slid]).toHaveLength(6);
    const work = expand(program, grain);
    expect(new Set(work.tasks.filter(({ operation }) => operation === 1).map(({ box }) => channels(box)))).toEqual(new Set([2]));
    expect(verify(simplePlan(program, work, { constraints: [external] }))).toEqual([]);
  });

  it('waste little in alignment, however few bytes a row has', () => {
    const shape = [1, 500, 2];
    const points = shape.map((extent) => ({ extent, kind: 'parallel' as const }));
    const map = shape.map((_, d) => ({ at: { d } }));
    const program: Program = {
      name: 'scores',
      tensors: [
        { name: 'x', shape, dtype: 'int32', kind: 'input' },
        { name: 'y', shape, dtype: 'int32', kind: 'computed' },
      ],
      operations: [
        {
          name: 'negate',
          type: 'Neg',
          attributes: {},
          domain: points,
          operands: [
            { tensor: 0, mode: 'read', map },
            { tensor: 1, mode: 'write', map },
          ],
          body: { acc: 'int32', init: 0, step: 0, finish: { fn: 'neg', args: [{ x: 0 }] } },
          macs: 0,
        },
      ],
      outputs: [1],
      states: [],
    };
    const machine = { ...testMachine, spaces: testMachine.spaces.map((space) => ({ ...space, align: 64 })) };
    const context = { machine, constraints: [external], signal: new AbortController().signal };
    const { regions } = frontOf(program, context, searchOptions.parse({}), 1)[0].grain();
    const bytes = regions[1].map((box) => volume(box) * ELEMENT_BYTES.int32);
    const aligned = bytes.reduce((sum, each) => sum + Math.ceil(each / 64) * 64, 0);
    expect(aligned / bytes.reduce((sum, each) => sum + each, 0)).toBeLessThan(1.1);
  });
});
