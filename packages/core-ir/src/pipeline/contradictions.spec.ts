import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Constraint } from '../ir/constraint.js';
import { checkContradictions, withMergedReserves } from './contradictions.js';
import { createSession } from './session.js';
import { blurs, machine, toyOptions, toyPlugin } from './spec-support.js';

const session = createSession([toyPlugin()]);
const { program } = blurs(3, 16);
const two = {
  ...machine,
  spaces: [...machine.spaces, { name: 'rom', bytes: 1024, align: 4, counted: false }],
  engines: [{ ...machine.engines[0], spaces: [0, 1] }],
};

const pin = (tensor: string, offset?: number, space = 'ram'): Constraint => ({
  kind: 'pin',
  tensor,
  space,
  ...(offset === undefined ? {} : { offset }),
});
const reserve = (offset: number, bytes: number, space = 'ram'): Constraint => ({ kind: 'reserve', space, offset, bytes });
const capacity = (bytes: number): Constraint => ({ kind: 'capacity', space: 'ram', bytes });
const before = (first: string, then: string): Constraint => ({ kind: 'before', first, then });

describe('demands that no plan meets', () => {
  it.each<[string, readonly Constraint[], string]>([
    ['two spaces', [pin('t1'), pin('t1', undefined, 'rom')], '"pin t1 to ram" and "pin t1 to rom"'],
    ['two offsets', [pin('t1', 0), pin('t2', 0), pin('t1', 64)], '"pin t1 to ram at 0" and "pin t1 to ram at 64"'],
    ['reserved bytes', [pin('t1', 64), reserve(128, 4)], '"pin t1 to ram at 64" and "reserve ram from 128 to 132"'],
    ['a capacity below a pin', [pin('t1', 64), capacity(191)], '"pin t1 to ram at 64" and "capacity ram 191"'],
    ['a capacity below what is reserved', [reserve(0, 200), capacity(199)], '"reserve ram from 0 to 200" and "capacity ram 199"'],
    [
      'two ways of an input',
      [
        { kind: 'input', tensor: 't0', access: 'streamed' },
        { kind: 'input', tensor: 't0', access: 'external' },
      ],
      '"input t0 streamed" and "input t0 external"',
    ],
    [
      'an external input in a place',
      [{ kind: 'input', tensor: 't0', access: 'external' }, pin('t0')],
      '"pin t0 to ram" and "input t0 external"',
    ],
  ])('%s: both are named', (_, constraints, named) => {
    const check = (): void => checkContradictions(constraints, program, two);
    expect(check).toThrow(`constraints contradict each other: ${named}: `);
    expect(check).toThrow(expect.objectContaining({ code: 'bad-input', message: expect.not.stringContaining('\n') }));
  });

  it('more than the machine has', () => {
    expect(() => checkContradictions([reserve(1000, 25, 'rom')], program, two)).toThrow(
      'constraint reserve rom from 1000 to 1025: rom of toy holds 1024 bytes',
    );
    expect(() => checkContradictions([pin('t1', 1000, 'rom')], program, two)).toThrow('it would end at byte 1128, rom of toy holds 1024');
  });

  it('what touches but does not overlap is none', () => {
    const constraints = [pin('t1', 64), reserve(0, 64), reserve(192, 8), capacity(200), pin('t1'), before('blur0', 'blur1')];
    expect(() => checkContradictions(constraints, program, two)).not.toThrow();
  });

  it('an input that is external by default and pinned', async () => {
    await expect(session.compile(blurs(), toyOptions({ input: 'external', constraints: [pin('t0')] }))).rejects.toThrow(
      '"pin t0 to ram" and "input t0 external"',
    );
  });
});

describe('orders', () => {
  const compile = (...constraints: Constraint[]) => session.compile(blurs(), toyOptions({ constraints }));

  /** Three blurs of one input, none of which needs another. */
  const fan = () => {
    const loaded = blurs();
    const operations = loaded.program.operations.map((operation) => ({
      ...operation,
      operands: operation.operands.map((operand) => (operand.mode === 'read' ? { ...operand, tensor: 0 } : operand)),
    }));
    return { ...loaded, program: { ...loaded.program, operations, outputs: [1, 2, 3] } };
  };
  const compileFan = (...constraints: Constraint[]) => session.compile(fan(), toyOptions({ constraints }, { schedule: 'depth-first' }));

  it('that contradict each other are named, the two or the chain', async () => {
    await expect(compileFan(before('blur1', 'blur1'))).rejects.toThrow(
      'constraint "before blur1, blur1": an operation does not come before itself',
    );
    await expect(compileFan(before('blur0', 'blur2'), before('blur0', 'blur1'), before('blur1', 'blur0'))).rejects.toThrow(
      'constraints contradict each other: "before blur0, blur1" and "before blur1, blur0": no order obeys both',
    );
    await expect(compileFan(before('blur0', 'blur1'), before('blur1', 'blur2'), before('blur2', 'blur0'))).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringMatching(/"before blur0, blur1" and "before blur1, blur2" and "before blur2, blur0": no order obeys all 3$/),
    });
  });

  it('that contradict the program are named', async () => {
    await expect(compile(before('blur0', 'blur1'), before('blur2', 'blur0'))).rejects.toThrow(
      'constraint "before blur2, blur0" contradicts the program: blur2 needs what blur0 computes',
    );
  });

  it('that the program has anyway change nothing', async () => {
    const free = await compile();
    const { plan } = await session.compile(blurs(), toyOptions({ constraints: [] }));
    expect(plan.placements).toEqual(free.plan.placements);
  });
});

describe('reserved bytes', () => {
  it('count once where they overlap', () => {
    const merged = withMergedReserves([reserve(0, 64), capacity(9), reserve(32, 64), reserve(200, 8), reserve(96, 4)]);
    expect(merged).toEqual([capacity(9), reserve(0, 100), reserve(200, 8)]);
  });

  it('are the same bytes after merging, in any order', () => {
    const intervals = fc.array(fc.record({ offset: fc.nat(40), bytes: fc.nat(12), space: fc.constantFrom('ram', 'rom') }), {
      maxLength: 8,
    });
    const bytesOf = (list: readonly Constraint[]): string[] =>
      [
        ...new Set(
          list.flatMap((each) =>
            each.kind === 'reserve' ? Array.from({ length: each.bytes }, (_, k) => `${each.space}${each.offset + k}`) : [],
          ),
        ),
      ].sort();
    fc.assert(
      fc.property(intervals, (list) => {
        const given = list.map(({ offset, bytes, space }) => reserve(offset, bytes, space));
        const merged = withMergedReserves(given);
        expect(bytesOf(merged)).toEqual(bytesOf(given));
        const total = merged.reduce((sum, each) => (each.kind === 'reserve' ? sum + each.bytes : sum), 0);
        expect(total).toBe(bytesOf(given).length);
      }),
    );
  });

  it('that overlap are kept clear of', async () => {
    const constraints = [reserve(0, 64), reserve(32, 64)];
    const { plan } = await session.compile(blurs(), toyOptions({ constraints }));
    for (const { offset } of plan.placements) expect(offset).toBeGreaterThanOrEqual(96);
  });
});

describe('pins', () => {
  it('of what would share bytes in place to two places keep both', async () => {
    const loaded = blurs();
    const operations = loaded.program.operations.map((operation) => ({
      ...operation,
      operands: operation.operands.map((operand) => (operand.mode === 'read' ? operand : { ...operand, inPlaceOf: 0 })),
    }));
    const constraints = [pin('t1', 0), pin('t2', 1024)];
    const { plan } = await session.compile(
      { ...loaded, program: { ...loaded.program, operations } },
      toyOptions({ constraints }, { decompose: 'whole-tensor' }),
    );
    const offsets = new Map(plan.placements.flatMap(({ holds, offset }) => ('region' in holds ? [[holds.region, offset] as const] : [])));
    expect([offsets.get(1), offsets.get(2)]).toEqual([0, 1024]);
  });

  it('that would share bytes while both live are named', async () => {
    const constraints = [pin('t1', 0), pin('t2', 64)];
    await expect(session.compile(blurs(), toyOptions({ constraints }, { decompose: 'whole-tensor' }))).rejects.toThrow(
      /^constraints "pin t1 to ram at 0" and "pin t2 to ram at 64" contradict each other in every order/,
    );
  });

  it('to a space that no task can work in are refused', async () => {
    await expect(session.compile(blurs(), toyOptions({ constraints: [pin('t1', undefined, 'rom')] }))).rejects.toThrow(
      /no space of toy called "rom"/,
    );
  });
});

describe('a capacity below the proven bound', () => {
  it('says so at once, with the bound, before any plugin runs', async () => {
    const stages: string[] = [];
    const options = toyOptions({ constraints: [capacity(127)], progress: ({ stage }) => stages.push(stage) });
    await expect(session.compile(blurs(), options)).rejects.toMatchObject({
      code: 'infeasible',
      message: 'space ram leaves 127 bytes, and every plan holds at least 128 at once (a proven bound): 1 too many',
    });
    expect(stages).toEqual([]);
  });

  it('counts what is reserved', async () => {
    await expect(session.compile(blurs(), toyOptions({ constraints: [capacity(200), reserve(0, 80)] }))).rejects.toThrow(
      'leaves 120 bytes',
    );
  });
});
