import { expand, type Grain, interpretProgram, type Program } from '@regrain/core-ir';
import { runDecomposition, simplePlan, verify } from '@regrain/testkit';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { macFactorOf } from '../search.js';
import { geometryOf } from './geometry.js';
import { patchesOf } from './patches.js';
import { realise } from './realise.js';
import type { Segment } from './segment.js';
import { type BlockChoice, inputOf, LIMITS, network } from './spec-support.js';

const external = { kind: 'input', tensor: 'x', access: 'external' } as const;
const block: BlockChoice = { expand: 4, kernel: 5, stride: 1, channels: 2, residual: true, squeeze: false };
const limits = { ...LIMITS, extraMacs: Number.POSITIVE_INFINITY };

/** The ways to run the whole program, one block, patch by patch. */
function waysOf(program: Program): readonly Segment[] {
  return patchesOf(geometryOf(program), program.operations.length, limits).filter(({ first }) => first === 0);
}

function grainOf(program: Program, segment: Segment): Grain {
  return realise(geometryOf(program), [segment], LIMITS.maxTiles, LIMITS.align);
}

/** Bytes of the most that is held at one time in the order of patches, each followed by what it makes possible; all of the input is there. */
function peakOf(program: Program, grain: Grain): number {
  const { regions, tasks } = simplePlan(program, expand(program, grain), { constraints: [] }).decomposition;
  const touches = tasks.map(({ accesses }) =>
    regions.flatMap(({ instance, box }, r) =>
      accesses.some((each) => each.instance === instance && each.box.every(([lo, hi], d) => lo < box[d][1] && box[d][0] < hi)) ? [r] : [],
    ),
  );
  const makers = regions.map((_, r) => touches.flatMap((list, t) => (list.includes(r) ? [t] : [])));
  const order: number[] = [];
  const done = new Set<number>();
  const run = (task: number): void => {
    if (done.has(task)) return;
    done.add(task);
    for (const r of touches[task]) for (const before of makers[r]) if (tasks[before].operation < tasks[task].operation) run(before);
    order.push(task);
  };
  tasks.forEach(({ operation }, t) => {
    if (operation === program.operations.length - 1) run(t);
  });
  const last = new Map<number, number>();
  order.forEach((task, at) => {
    for (const r of touches[task]) last.set(r, at);
  });
  const input = regions.flatMap(({ instance }, r) => (instance === 0 ? [r] : []));
  const live = new Set(input);
  let peak = 0;
  order.forEach((task, at) => {
    for (const r of touches[task]) live.add(r);
    let bytes = 0;
    for (const r of live) bytes += regions[r].bytes;
    peak = Math.max(peak, bytes);
    for (const r of touches[task]) if (last.get(r) === at && !program.outputs.includes(regions[r].instance)) live.delete(r);
  });
  return peak;
}

it('has ways from one patch to many: fewer bytes, more multiply-accumulates', () => {
  const ways = waysOf(network(8, [{ ...block, expand: 12 }], false));
  expect(ways.length).toBeGreaterThan(3);
  expect(ways.some(({ patches }) => patches?.rows === 1 && patches.columns < 8)).toBe(true);
  expect(patchesOf(geometryOf(network(8, [block], false)), 4, LIMITS)).toEqual([]);
});

it('computes what the program says, with the multiply-accumulates and about the bytes that are foreseen', () => {
  const choices = fc.record({
    size: fc.integer({ min: 3, max: 8 }),
    width: fc.integer({ min: 3, max: 8 }),
    expand: fc.integer({ min: 2, max: 6 }),
    kernel: fc.constantFrom(3 as const, 5 as const),
    stride: fc.constantFrom(1 as const, 2 as const),
    channels: fc.integer({ min: 1, max: 3 }),
    residual: fc.boolean(),
  });
  const ratios: number[] = [];
  let ran = 0;
  fc.assert(
    fc.property(choices, fc.nat(), ({ size, width, ...chosen }, which) => {
      const program = network(size, [{ ...block, ...chosen }], false, width);
      const ways = waysOf(program);
      if (ways.length === 0) return;
      const segment = ways[which % ways.length];
      const grain = grainOf(program, segment);
      const work = expand(program, grain);
      const macs = program.operations.reduce((sum, operation) => sum + operation.macs, 0);
      expect(macFactorOf(program, grain)).toBeCloseTo(1 + segment.macs / macs, 9);
      const input = inputOf(program);
      const expected = interpretProgram(program, new Uint8Array(), input);
      for (const [name, { data }] of runDecomposition(program, work, new Uint8Array(), input))
        expect(Array.from(data)).toEqual(Array.from(expected.get(name)?.data ?? []));
      if (work.tasks.length >= 300) return;
      ran++;
      expect(verify(simplePlan(program, work, { constraints: [external] }))).toEqual([]);
      const peak = peakOf(program, grain);
      if (peak < 400) return; // of a few elements no share means anything
      ratios.push(segment.bytes / peak);
      expect(segment.bytes / peak).toBeGreaterThan(0.5);
      expect(segment.bytes / peak).toBeLessThan(2);
    }),
    { numRuns: 40 },
  );
  expect(ran).toBeGreaterThan(10);
  ratios.sort((a, b) => a - b);
  expect(ratios[ratios.length >> 1]).toBeGreaterThan(0.85);
  expect(ratios[ratios.length >> 1]).toBeLessThan(1.25);
});
