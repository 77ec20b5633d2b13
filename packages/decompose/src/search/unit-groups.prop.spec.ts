import { type Box, evaluate, expand, type IndexMap, interpretProgram, type Operation, type Program, type Tensor } from '@regrain/core-ir';
import { runDecomposition, simplePlan, testMachine, verify } from '@regrain/testkit';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { frontOf, macFactorOf, searchOptions } from '../search.js';
import { geometryOf } from './geometry.js';
import { realise } from './realise.js';
import { inputOf } from './spec-support.js';
import { boxesOf, unitGroupsTo } from './unit-groups.js';

interface CellChoice {
  readonly units: number;
  /** Parts of the dense result that make one unit. */
  readonly gates: number;
  /** What is made of the parts is an output, too. */
  readonly state: boolean;
}

const d = (n: number): IndexMap[number] => ({ at: { d: n } });
const sum = { acc: 'int32', init: 0, step: { fn: 'add', args: ['acc', { x: 0 }] }, finish: 'acc' } as const;
const both = { acc: 'int32', init: 0, step: 0, finish: { fn: 'add', args: [{ x: 0 }, { x: 1 }] } } as const;
const parallel = (extent: number) => ({ extent, kind: 'parallel' as const });

/** Cells one after the other: a dense layer, its result doubled in place, and per unit a value of the parts; at last a dense layer. */
function cells(width: number, chosen: readonly CellChoice[]): Program {
  const tensors: Tensor[] = [{ name: 'x', shape: [1, width], dtype: 'int32', kind: 'input' }];
  const operations: Operation[] = [];
  const outputs: number[] = [];
  const push = (results: number, operation: Pick<Operation, 'domain' | 'operands' | 'body' | 'macs'>): number => {
    const to = tensors.push({ name: `t${tensors.length}`, shape: [1, results], dtype: 'int32', kind: 'computed' }) - 1;
    const write = { tensor: to, mode: 'write' as const, map: [d(0), d(1)], ...(operation.macs === 0 ? { inPlaceOf: 0 } : {}) };
    operations.push({ name: `o${to}`, type: 'Test', attributes: {}, ...operation, operands: [...operation.operands, write] });
    return to;
  };
  const dense = (x: number, results: number): number => {
    const domain = [parallel(1), parallel(results), { extent: tensors[x].shape[1], kind: 'reduction' as const }];
    return push(results, { domain, operands: [{ tensor: x, mode: 'read', map: [d(0), d(2)] }], body: sum, macs: results });
  };
  let x = 0;
  for (const { units, gates, state } of chosen) {
    const wide = dense(x, gates * units);
    const read = (tensor: number, part: number): Operation['operands'][number] => ({
      tensor,
      mode: 'read',
      map: [d(0), { at: part === 0 ? { d: 1 } : ['+', { d: 1 }, part * units] }],
    });
    const twice = push(gates * units, {
      domain: [parallel(1), parallel(gates * units)],
      operands: [read(wide, 0), read(wide, 0)],
      body: both,
      macs: 0,
    });
    x = twice;
    for (let gate = gates - 1; gate >= 0; gate--) {
      x = push(units, {
        domain: [parallel(1), parallel(units)],
        operands: [read(x, x === twice ? gate : 0), read(twice, gate)],
        body: both,
        macs: 0,
      });
    }
    if (state) outputs.push(x);
  }
  return { name: 'cells', tensors, operations, outputs: [...outputs, dense(x, 3)], states: [] };
}

const choice = fc.record({ units: fc.integer({ min: 2, max: 9 }), gates: fc.integer({ min: 1, max: 4 }), state: fc.boolean() });
const programs = fc
  .record({ width: fc.integer({ min: 1, max: 6 }), chosen: fc.array(choice, { minLength: 1, maxLength: 2 }) })
  .map(({ width, chosen }) => cells(width, chosen));

it('gives each group what its results need, element by element, and nothing to two', () => {
  fc.assert(
    fc.property(programs, fc.integer({ min: 2, max: 4 }), (program, groups) => {
      const geometry = geometryOf(program);
      for (let last = 1; last <= program.operations.length; last++) {
        const found = boxesOf(geometry, last, { axis: 1, groups }, 0);
        const needs = Array.from({ length: groups }, () => new Map<number, Set<string>>());
        found.forEach((parts, k) => {
          const o = last - 1 - k;
          const operation = program.operations[o];
          const [{ tensor: made }] = operation.operands.filter(({ mode }) => mode === 'write');
          const seen = new Set<string>();
          parts.forEach((boxes, g) => {
            const points = boxes.flatMap(pointsOf);
            for (const point of points) {
              expect(seen.has(String(point))).toBe(false);
              seen.add(String(point));
            }
            const results = new Set(points.map((point) => String(point.slice(0, 2))));
            if (o < last - 1) expect(results).toEqual(needs[g].get(made));
            for (const { tensor, mode, map } of operation.operands) {
              if (mode !== 'read') continue;
              const own = needs[g].get(tensor) ?? new Set();
              for (const point of points) own.add(String(map.map((range) => (range === 'all' ? 0 : evaluate(range.at, point)))));
              needs[g].set(tensor, own);
            }
          });
          expect(seen.size).toBe(pointsOf(operation.domain.map(({ extent }) => [0, extent] as const)).length);
        });
      }
    }),
    { numRuns: 60 },
  );
});

it('computes what the program says, nothing twice, by plans that are verified', () => {
  fc.assert(
    fc.property(programs, (program) => {
      const grain = grainOf(program);
      expect(macFactorOf(program, grain)).toBe(1);
      const work = expand(program, grain);
      const input = inputOf(program);
      const expected = interpretProgram(program, new Uint8Array(), input);
      for (const [name, { data }] of runDecomposition(program, work, new Uint8Array(), input))
        expect(Array.from(data)).toEqual(Array.from(expected.get(name)?.data ?? []));
      expect(verify(simplePlan(program, work, { constraints: [external] }))).toEqual([]);
    }),
    { numRuns: 40 },
  );
});

it('holds the gates of a cell for a few units at a time', () => {
  const program = cells(4, [
    { units: 16, gates: 4, state: true },
    { units: 16, gates: 4, state: true },
  ]);
  const grain = grainOf(program);
  const wide = program.tensors.flatMap(({ shape }, t) => (shape[1] === 64 ? [t] : []));
  expect(wide.map((t) => grain.regions[t].length >= 16)).toEqual([true, true, true, true]);
  expect(grain.segments?.length).toBe(3);
});

it('stores by rows what it makes in groups of channels: who reads it by rows frees them one by one', () => {
  const [channels, rows] = [8, 6];
  const tensor = (name: string, width: number, height: number): Tensor => ({
    name,
    shape: [1, width, height, 1],
    dtype: 'int32',
    kind: name === 'x' ? 'input' : 'computed',
  });
  const operation = (name: string, domain: Operation['domain'], operands: Operation['operands'], body: Operation['body']): Operation => ({
    name,
    type: 'Test',
    attributes: {},
    domain,
    operands,
    body,
    macs: 0,
  });
  const points = [parallel(1), parallel(channels), parallel(rows)];
  const read = (from: number, row: IndexMap[number], channel = d(1)) => ({
    tensor: from,
    mode: 'read' as const,
    map: [d(0), channel, row, { at: 0 }],
  });
  const write = (to: number, row: IndexMap[number]) => ({ tensor: to, mode: 'write' as const, map: [d(0), d(1), row, { at: 0 }] });
  const program: Program = {
    name: 'gated',
    tensors: [tensor('x', 1, rows), tensor('wide', channels, rows), tensor('pooled', channels, 1), tensor('gated', channels, rows)],
    operations: [
      operation('expand', points, [read(0, d(2), { at: 0 }), read(0, d(2), { at: 0 }), write(1, d(2))], both),
      operation('pool', [parallel(1), parallel(channels), { extent: rows, kind: 'reduction' }], [read(1, d(2)), write(2, { at: 0 })], sum),
      operation('gate', points, [read(1, d(2)), read(2, { at: 0 }), write(3, d(2))], both),
    ],
    outputs: [3],
    states: [],
  };
  const rest = { columns: 0, bytes: 0, macs: 0, held: undefined };
  const segments = [
    { ...rest, first: 0, last: 2, units: { axis: 1, groups: 4 } },
    { ...rest, first: 2, last: 3 },
  ];
  const grain = realise(geometryOf(program), segments, 1024, 1);
  expect(grain.tasks[0]).toHaveLength(4);
  expect(grain.regions[1]).toHaveLength(rows);
  // A row has 32 bytes: uncut.
  expect(realise(geometryOf(program), segments, 1024, 64).regions[1]).toEqual([]);
  const work = expand(program, grain);
  expect(verify(simplePlan(program, work, { constraints: [external] }))).toEqual([]);
});

it('leaves layers alone of which every unit needs every other', () => {
  const program = cells(4, [{ units: 8, gates: 1, state: false }]);
  const geometry = geometryOf(program);
  expect(boxesOf(geometry, program.operations.length, { axis: 1, groups: 2 }, 0)).toHaveLength(1);
  expect(unitGroupsTo(geometry, 1, 1)).toEqual([]);
});

const external = { kind: 'input', tensor: 'x', access: 'external' } as const;

function grainOf(program: Program) {
  const machine = { ...testMachine, spaces: testMachine.spaces.map((space) => ({ ...space, align: 1 })) };
  const context = { machine, constraints: [external], signal: new AbortController().signal };
  return frontOf(program, context, searchOptions.parse({}), 1)[0].grain();
}

function pointsOf(box: Box): number[][] {
  return box.reduce<number[][]>(
    (points, [lo, hi]) => points.flatMap((point) => Array.from({ length: hi - lo }, (_, k) => [...point, lo + k])),
    [[]],
  );
}
