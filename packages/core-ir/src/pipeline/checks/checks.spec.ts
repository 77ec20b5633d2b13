import { inject, injectable, type Newable } from 'inversify';
import { describe, expect, it } from 'vitest';
import { PluginError } from '../../errors.js';
import { expand } from '../../expand/expand.js';
import { Allocator, type Packed, type Packing } from '../../extension-points/allocator.js';
import { Decomposer } from '../../extension-points/decomposer.js';
import { DependenceAnalyzer } from '../../extension-points/dependence-analyzer.js';
import { Mover, type Residency } from '../../extension-points/mover.js';
import { Scheduler } from '../../extension-points/scheduler.js';
import type { Box } from '../../ir/box.js';
import type { Constraint } from '../../ir/constraint.js';
import type { Decomposition } from '../../ir/decomposition.js';
import type { Dependences } from '../../ir/dependences.js';
import type { Grain } from '../../ir/grain.js';
import type { Step } from '../../ir/plan.js';
import type { Schedule } from '../../ir/schedule.js';
import { PluginOptions } from '../../plugin/options.js';
import type { Point } from '../../plugin/points.js';
import { createSession } from '../session.js';
import { bands, blurs, machine, toyOptions, toyPlugin } from '../spec-support.js';
import { checkPacking } from './packing.js';
import { checkSchedule } from './schedule.js';

type Method = (...args: never[]) => unknown;
type Mutable<T> = { -readonly [key in keyof T]: T[key] };

/** What a compile says when the toy plugin's contribution hands its own, right result through `spoil` first. */
async function failureOf<T>(
  point: Point,
  id: string,
  method: string,
  spoil: (right: T) => unknown,
  constraints: readonly Constraint[] = [],
): Promise<unknown> {
  const right = toyPlugin().bindings.find((each) => each.point === point && each.id === id);
  const Honest = right?.use as Newable<Record<string, Method>>;
  @injectable()
  class Spoilt {
    constructor(@inject(PluginOptions) options: unknown) {
      const honest = new Honest(options);
      Object.assign(this, {
        [method]: (...given: never[]) => {
          const result = honest[method](...given) as T;
          // The whole-tensor baseline comes first and has two tasks; what the tests spoil is the plan by bands.
          const work = given.find((each): each is never => typeof each === 'object' && 'instances' in each) as Decomposition | undefined;
          return !work || work.tasks.length === 4 ? spoil(result) : result;
        },
      });
    }
  }
  const session = createSession([toyPlugin([{ point, id, use: Spoilt }])]);
  const options = toyOptions({ constraints, input: 'resident' }, { decompose: 'bands', schedule: 'program-order' });
  return session.compile(blurs(2, 4), options).then(
    () => undefined,
    (error: unknown) => error,
  );
}

function expectBlame(failure: unknown, plugin: string, invariant: RegExp): void {
  expect(failure).toBeInstanceOf(PluginError);
  expect((failure as PluginError).plugin).toBe(`${plugin} of toy`);
  expect((failure as PluginError).invariant).toMatch(invariant);
}

const rows = (...cuts: [number, number][]): Box[] => cuts.map((range) => [range, [0, 8]]);

describe('a grain', () => {
  const regions = (boxes: Box[]) => (grain: Grain) => ({ ...grain, regions: grain.regions.with(1, boxes) });
  const tasks = (boxes: Box[]) => (grain: Grain) => ({ ...grain, tasks: grain.tasks.with(0, boxes) });
  it.each<[string, (grain: Grain) => unknown, RegExp]>([
    ['that overlaps', regions(rows([0, 3], [2, 4])), /of t1 \[0:3, 0:8\] and \[2:4, 0:8\] overlap/],
    ['with a hole', regions(rows([0, 1], [2, 4])), /of t1 the boxes cover 24 of the 32 elements/],
    ['that sticks out', regions(rows([0, 5])), /of t1 \[0:5, 0:8\] lies outside \[0:4, 0:8\]/],
    ['with an empty region', regions(rows([0, 4], [4, 4])), /\[4:4, 0:8\] is empty/],
    ['of another rank', regions([[[0, 4]]]), /is no box of rank 2/],
    ['of fractions', regions(rows([0, 1.5], [1.5, 4])), /is no box of rank 2/],
    ['with too few tensors', (grain) => ({ ...grain, regions: grain.regions.slice(1) }), /for each of the 3 tensors/],
    ['with too few operations', (grain) => ({ ...grain, tasks: [] }), /for each of the 2 operations/],
    [
      'whose tasks leave a hole',
      tasks([
        [
          [0, 2],
          [0, 8],
          [0, 3],
        ],
      ]),
      /of blur0 the boxes cover 48 of the 96/,
    ],
    [
      'whose tasks overlap',
      tasks([
        [
          [0, 2],
          [0, 8],
          [0, 3],
        ],
        [
          [1, 4],
          [0, 8],
          [0, 3],
        ],
      ]),
      /overlap/,
    ],
    [
      'whose tasks split a reduction',
      tasks([
        [
          [0, 4],
          [0, 8],
          [0, 2],
        ],
        [
          [0, 4],
          [0, 8],
          [2, 3],
        ],
      ]),
      /only parallel dimensions/,
    ],
    ['with a wrong order', (grain) => ({ ...grain, order: grain.order.with(1, [0, 0]) }), /order of t1|that of t1 is \[0, 0\]/],
    [
      'that recomputes what is not read',
      (grain) => ({ ...grain, recompute: [{ tensor: 2, reader: 0, along: [0] }] }),
      /operation 0 does not read tensor 2/,
    ],
    ['that splits no reduction', (grain) => ({ ...grain, reduce: [{ operation: 0, axis: 0, parts: 2 }] }), /axis 0 of operation 0/],
  ])('%s is refused', async (_, spoil, message) => {
    expectBlame(await failureOf(Decomposer, 'bands', 'decompose', spoil), 'bands', message);
  });
});

describe('dependences', () => {
  it.each<[string, (needs: Mutable<Dependences>) => unknown, RegExp]>([
    ['of plain arrays', (needs) => ({ ...needs, row: [...needs.row] }), /Int32Array row/],
    ['with too few rows', (needs) => ({ ...needs, row: needs.row.slice(1) }), /row has 5 entries/],
    ['that end early', (needs) => ({ ...needs, from: needs.from.slice(1) }), /row ends with the number of entries/],
    ['on a later task', (needs) => ({ ...needs, from: needs.from.with(0, 3) }), /task 2 has 3 after -1/],
    ['that are not ascending', (needs) => ({ ...needs, from: needs.from.with(0, 1).with(1, 0) }), /task 2 has 0 after 1/],
    ['of no kind', (needs) => ({ ...needs, kinds: needs.kinds.with(0, 0) }), /0 → 2 has 0/],
    ['whose rows fall', (needs) => ({ ...needs, row: needs.row.with(2, 3).with(3, 2) }), /falls after task 2/],
  ])('%s are refused', async (_, spoil, message) => {
    expectBlame(await failureOf(DependenceAnalyzer, 'pairwise', 'analyze', spoil), 'pairwise', message);
  });
});

describe('a schedule', () => {
  it.each<[string, (schedule: Schedule) => unknown, RegExp]>([
    ['of plain arrays', ({ order, engine }) => ({ order: [...order], engine }), /Int32Array order/],
    ['that is too short', ({ order, engine }) => ({ order: order.slice(1), engine }), /4 positions, but order has 3/],
    ['with a task twice', ({ order, engine }) => ({ order: order.with(1, 0), engine }), /position 1 has 0/],
    ['on no engine', ({ order, engine }) => ({ order, engine: engine.with(2, 1) }), /task 2 \(blur1\) is on engine 1/],
    [
      'against a dependence',
      ({ order, engine }) => ({ order: order.with(1, 2).with(2, 1), engine }),
      /task 2 \(blur1\) comes before 1 \(blur0\)/,
    ],
  ])('%s is refused', async (_, spoil, message) => {
    expectBlame(await failureOf(Scheduler, 'program-order', 'schedule', spoil), 'program-order', message);
  });

  it('against the user is refused', () => {
    // Without the dependences, which here forbid the same.
    const { program } = blurs(2, 4);
    const work = expand(program, bands(program, 2));
    const needs = { row: new Int32Array(5), from: new Int32Array(0), kinds: new Uint8Array(0) };
    const order: Constraint = { kind: 'before', first: 'blur0', then: 'blur1' };
    const check = (tasks: readonly number[]): void =>
      checkSchedule('p', program, work, needs, { order: Int32Array.from(tasks), engine: new Uint8Array(4) }, machine, [order]);
    expect(() => check([1, 0, 3, 2])).not.toThrow();
    expect(() => check([0, 2, 1, 3])).toThrow(/"before" constraints hold, but blur1 starts before blur0 ends/);
  });
});

describe('a movement', () => {
  type Moved = { steps: Step[]; residencies: Residency[] };
  const residency = (r: number, changes: Partial<Residency>) => (moved: Moved) => ({
    ...moved,
    residencies: moved.residencies.map((each, k) => (k === r ? { ...each, ...changes } : each)),
  });
  const step = (i: number, changes: Partial<Step>) => (moved: Moved) => ({
    ...moved,
    steps: moved.steps.map((each, k) => (k === i ? { ...each, ...changes } : each)),
  });
  it.each<[string, (moved: Moved) => unknown, RegExp]>([
    ['in no space', residency(0, { space: 3 }), /placement 0 is in space 3/],
    ['that ends before it starts', residency(0, { first: 2, last: 1 }), /placement 0 lives from 2 to 1/],
    ['of a wrong size', residency(0, { bytes: 7 }), /has its region's 64 bytes|16 bytes, but placement 0 has 7|, but placement 0 has 7/],
    ['of no region', residency(0, { holds: { region: 99 } }), /holds region 99/],
    ['tied to itself', residency(0, { with: { placement: 0, delta: 0 } }), /that of placement 0 names 0/],
    ['that lets go too early', residency(0, { last: 0 }), /t0\[0:2, 0:8\] is not for task 0 \(blur0\)/],
    ['that forgets a region', (moved) => ({ ...moved, residencies: moved.residencies.slice(1) }), /is not for task 0/],
    ['without the last task', (moved) => ({ steps: moved.steps.slice(0, -1), residencies: [] }), /run all|is not for task/],
    ['in another order', (moved) => ({ ...moved, steps: moved.steps.toReversed() }), /but step 0 runs task/],
    ['that waits for itself', step(1, { waits: [1] }), /step 1 for 1/],
    [
      'that moves on a compute engine',
      (moved) => ({ ...moved, steps: [{ kind: 'move', engine: 0, waits: [], from: 0, to: 1 }, ...moved.steps] }),
      /on an engine that runs moves/,
    ],
    [
      'that drops an output',
      (moved) => ({ ...moved, residencies: moved.residencies.map((each) => ({ ...each, last: Math.min(each.last, 4) })) }),
      /outputs are held until the end, but t2/,
    ],
    [
      'that forgets a resident input',
      (moved) => ({ ...moved, residencies: moved.residencies.map((each) => ({ ...each, first: Math.max(each.first, 1) })) }),
      /resident inputs are there from the start, but t0/,
    ],
  ])('%s is refused', async (_, spoil, message) => {
    expectBlame(await failureOf(Mover, 'one-space', 'move', spoil), 'one-space', message);
  });

  it('of a streamed input before the run is refused', async () => {
    const early = (moved: Moved) => ({ ...moved, residencies: moved.residencies.map((each) => ({ ...each, first: 0 })) });
    const failure = await failureOf(Mover, 'one-space', 'move', early, [{ kind: 'input', tensor: 't0', access: 'streamed' }]);
    expectBlame(failure, 'one-space', /a streamed input arrives during the run, but t0/);
  });

  it('that leaves a pinned tensor elsewhere is refused where the user pins it', async () => {
    const failure = await failureOf(Mover, 'one-space', 'move', (right) => right, [{ kind: 'pin', tensor: 't1', space: 'ram' }]);
    expect(failure).toBeUndefined();
  });
});

describe('a packing', () => {
  const bad = async (spoil: (packed: Packed & { ok: true }) => unknown, message: RegExp, constraints: Constraint[] = []): Promise<void> => {
    expectBlame(await failureOf(Allocator, 'first-fit', 'place', spoil, constraints), 'first-fit', message);
  };
  it('that overlaps is refused', () => bad((packed) => ({ ...packed, offsets: packed.offsets.fill(0) }), /share no byte, but/));
  it('that is not aligned is refused', () =>
    bad((packed) => ({ ...packed, offsets: packed.offsets.map((at) => at + 1), height: 999 }), /aligned to 4/));
  it('below zero is refused', () => bad((packed) => ({ ...packed, offsets: packed.offsets.with(0, -4) }), /not negative, but buffer 0/));
  it('of too few is refused', () => bad((packed) => ({ ...packed, offsets: packed.offsets.slice(1) }), /an offset for each/));
  it('that understates its height is refused', () => bad((packed) => ({ ...packed, height: 1 }), /highest byte used/));
  it('that ignores a pin is refused', () =>
    bad((packed) => ({ ...packed, height: 4000, offsets: packed.offsets.map((at) => at + 2000) }), /given offsets are kept/, [
      { kind: 'pin', tensor: 't1', space: 'ram', offset: 512 },
    ]));
  it('above the capacity is refused', () =>
    bad((packed) => ({ ...packed, offsets: packed.offsets.map((at) => at + 200) }), /within the capacity of 200/, [
      { kind: 'capacity', space: 'ram', bytes: 200 },
    ]));

  it('may share bytes only where it is tied', () => {
    const problem: Packing = {
      capacity: 100,
      near: [],
      buffers: [
        { bytes: 8, align: 1, first: 0, last: 2 },
        { bytes: 8, align: 1, first: 2, last: 4, with: { buffer: 0, delta: 0 } },
        { bytes: 8, align: 1, first: 0, last: 4 },
      ],
    };
    const at = (...offsets: number[]): Packed => ({ ok: true, offsets: Float64Array.from(offsets), height: 50, optimal: false });
    expect(() => checkPacking('x', problem, at(0, 0, 8))).not.toThrow();
    expect(() => checkPacking('x', problem, at(0, 4, 20))).toThrow(/tied buffer lies 0 bytes behind/);
    expect(() => checkPacking('x', problem, at(0, 0, 4))).toThrow(/share no byte/);
  });
});
