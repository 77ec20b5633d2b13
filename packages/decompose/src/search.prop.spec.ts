import { type Constraint, type Decomposition, expand, extended, interpretProgram, type Program } from '@regrain/core-ir';
import { bruteForceDependences, runDecomposition, simplePlan, testMachine, verify } from '@regrain/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inputOf, network, networks } from './search/spec-support.js';
import { type FrontPoint, frontOf, macFactorOf, SearchDecomposer, searchOptions } from './search.js';

const machine = { ...testMachine, spaces: testMachine.spaces.map((space) => ({ ...space, align: 1 })) };
function contextOf(...constraints: Constraint[]) {
  return {
    machine,
    constraints,
    objective: { score: () => 0 },
    random: () => 0,
    signal: new AbortController().signal,
    progress: () => {},
  };
}
const external: Constraint = { kind: 'input', tensor: 'x', access: 'external' };
const options = searchOptions.parse({});
const frontAt = (program: Program, factor: number): readonly FrontPoint[] => frontOf(program, contextOf(external), options, factor);

describe('search', () => {
  it('gives grains that compute what the program says, at every point of the front', () => {
    fc.assert(
      fc.property(networks, (program) => {
        const input = inputOf(program);
        const expected = interpretProgram(program, new Uint8Array(), input);
        const front = frontAt(program, 4);
        for (const point of front.filter((_, k) => k % Math.ceil(front.length / 3) === 0)) {
          const work = expand(program, point.grain());
          for (const [name, { data }] of runDecomposition(program, work, new Uint8Array(), input)) {
            expect(Array.from(data)).toEqual(Array.from(expected.get(name)?.data ?? []));
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  it('gives grains of which plans are verified', () => {
    fc.assert(
      fc.property(networks, fc.constantFrom(1, 1.5, 3), (program, factor) => {
        const work = expand(program, frontAt(program, factor).at(-1)?.grain() as never);
        if (work.tasks.length < 400) expect(verify(simplePlan(program, work, { constraints: [external] }))).toEqual([]);
      }),
      { numRuns: 15 },
    );
  });

  it('is a front: more multiply-accumulates, fewer bytes; the first point has none extra', () => {
    fc.assert(
      fc.property(networks, (program) => {
        const front = frontAt(program, 3);
        expect(front[0].macFactor).toBe(1);
        expect(macFactorOf(program, front[0].grain())).toBe(1);
        for (let k = 1; k < front.length; k++) {
          expect(front[k].bytes).toBeLessThan(front[k - 1].bytes);
          expect(front[k].macFactor).toBeGreaterThanOrEqual(front[k - 1].macFactor);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('estimates live bytes and MACs near what its segments take when they are run', () => {
    const ratios: number[] = [];
    fc.assert(
      fc.property(networks, (program) => {
        const front = frontAt(program, 2);
        for (const point of [front[0], front[front.length - 1]]) {
          const grain = point.grain();
          const work = expand(program, grain);
          const peak = peakOf(program, work, grain.segments ?? []);
          if (peak < 400) continue; // of a few elements no share means anything
          const ratio = point.bytes / peak;
          ratios.push(ratio);
          expect(ratio).toBeGreaterThan(0.4);
          expect(ratio).toBeLessThan(2.5);
          expect(macFactorOf(program, grain) / point.macFactor).toBeGreaterThan(0.7);
          expect(macFactorOf(program, grain) / point.macFactor).toBeLessThan(1.4);
        }
      }),
      { numRuns: 60 },
    );
    ratios.sort((a, b) => a - b);
    expect(ratios[ratios.length >> 1]).toBeGreaterThan(0.85);
    expect(ratios[ratios.length >> 1]).toBeLessThan(1.25);
  });

  it('makes the wide map behind a squeeze-and-excite a second time rather than keep it', () => {
    const program = network(24, [{ expand: 6, kernel: 3, stride: 1, channels: 2, residual: true, squeeze: true }], false);
    const front = frontAt(program, 2);
    const grain = front[front.length - 1].grain();
    expect(grain.copies?.length).toBeGreaterThan(0);
    // Kept, it takes 24 × 24 × 12 elements; narrow maps of 2 channels are what is left.
    expect(front[0].bytes).toBeGreaterThan(24 * 24 * 12 * 4);
    const work = expand(program, grain);
    expect(peakOf(program, work, grain.segments ?? [])).toBeLessThan(24 * 24 * 6 * 4);
    expect(macFactorOf(program, grain)).toBeLessThan(2);
    const input = inputOf(program);
    const expected = interpretProgram(program, new Uint8Array(), input);
    for (const [name, { data }] of runDecomposition(program, work, new Uint8Array(), input))
      expect(Array.from(data)).toEqual(Array.from(expected.get(name)?.data ?? []));
  });

  it('moves nothing that the user has pinned or put in an order', () => {
    const program = network(24, [{ expand: 6, kernel: 3, stride: 1, channels: 2, residual: true, squeeze: true }], false);
    const copiesUnder = (...constraints: Constraint[]): number =>
      frontOf(program, contextOf(external, ...constraints), options, 2)
        .at(-1)
        ?.grain().copies?.length ?? 0;
    expect(copiesUnder()).toBeGreaterThan(0);
    expect(copiesUnder({ kind: 'before', first: program.operations[0].name, then: program.operations[1].name })).toBe(0);
    const wide = program.tensors[program.operations[1].operands[1].tensor];
    expect(copiesUnder({ kind: 'pin', tensor: wide.name, space: machine.spaces[0].name })).toBe(0);
  });

  it('runs a bottleneck on a small map in groups of channels, with partial sums of the narrow result', () => {
    const program = network(5, [{ expand: 40, kernel: 5, stride: 1, channels: 2, residual: false, squeeze: false }], false);
    const [first] = frontAt(program, 1);
    const grain = first.grain();
    expect(grain.reduce).toEqual([expect.objectContaining({ operation: 2 })]);
    const work = expand(program, grain);
    expect(macFactorOf(program, grain)).toBe(1);
    // Rows that stay: 4 of 5 columns of 80 channels.
    expect(peakOf(program, work, grain.segments ?? [])).toBeLessThan(4 * 5 * 80 * 4);
    const input = inputOf(program);
    const expected = interpretProgram(program, new Uint8Array(), input);
    for (const [name, { data }] of runDecomposition(program, work, new Uint8Array(), input))
      expect(Array.from(data)).toEqual(Array.from(expected.get(name)?.data ?? []));
    expect(verify(simplePlan(program, work, { constraints: [external] }))).toEqual([]);
  });

  it('streams columns where the map is wide and low', () => {
    const block = { expand: 4, kernel: 5, stride: 1, channels: 2, residual: false, squeeze: false } as const;
    const program = network(4, [block, block], true, 48);
    const [{ grain: grainOf }] = frontAt(program, 1);
    const grain = grainOf();
    // Rows would hold all of a wide map of 8 channels; of columns each window keeps 4, and each of the two chains makes one more.
    expect(peakOf(program, expand(program, grain), grain.segments ?? [])).toBeLessThan(2 * 6 * 4 * 8 * 4);
    expect(verify(simplePlan(program, expand(program, grain), { constraints: [external] }))).toEqual([]);
  });

  it('keeps within the MACs that the constraint allows, and recomputes nothing without one', () => {
    const program = network(
      12,
      Array.from({ length: 3 }, () => ({ expand: 4, kernel: 3, stride: 1, channels: 2, residual: true, squeeze: false })),
      true,
    );
    const factor = (...constraints: Constraint[]): number =>
      macFactorOf(program, new SearchDecomposer(options).decompose(program, contextOf(external, ...constraints)));
    expect(factor()).toBe(1);
    for (const max of [1, 1.1, 1.5, 2.5]) expect(factor({ kind: 'mac-factor', max })).toBeLessThanOrEqual(max + 1e-9);
    expect(factor({ kind: 'mac-factor', max: 2.5 })).toBeGreaterThan(1);
    expect(() => factor({ kind: 'mac-factor', max: 0.5 })).toThrow(/below 1/);
  });
});

/** The peak when each segment pulls its last results tile by tile, and only what they need next. */
function peakOf(program: Program, work: Decomposition, boundaries: readonly number[]): number {
  const { row, from } = bruteForceDependences(work);
  const order: number[] = [];
  const done = new Set<number>();
  const run = (task: number): void => {
    if (done.has(task)) return;
    for (let e = row[task]; e < row[task + 1]; e++) run(from[e]);
    done.add(task);
    order.push(task);
  };
  const { operationOf, copyOf } = extended(program, work.grain.copies);
  const places = work.tasks.map(({ operation, copy = -1 }) => operationOf.findIndex((of, o) => of === operation && copyOf[o] === copy));
  boundaries.forEach((_, k) => {
    const last = (boundaries[k + 1] ?? operationOf.length) - 1;
    places.forEach((place, task) => {
      if (place === last) run(task);
    });
    places.forEach((place, task) => {
      if (place <= last) run(task);
    });
  });
  const touched = order.map((task) => {
    const regions = new Set<number>();
    for (const { instance, box } of work.tasks[task].accesses) {
      if (work.instances[instance].tensor === 0) continue;
      work.regions.forEach((region, r) => {
        if (region.instance === instance && region.box.every(([lo, hi], d) => lo < box[d][1] && box[d][0] < hi)) regions.add(r);
      });
    }
    return regions;
  });
  const last = new Map<number, number>();
  touched.forEach((regions, at) => {
    for (const r of regions) last.set(r, at);
  });
  const live = new Set<number>();
  let bytes = 0;
  let peak = 0;
  touched.forEach((regions, at) => {
    for (const r of regions) {
      if (!live.has(r)) bytes += work.regions[r].bytes;
      live.add(r);
    }
    peak = Math.max(peak, bytes);
    for (const r of regions) {
      if (last.get(r) !== at || program.outputs.includes(work.instances[work.regions[r].instance].tensor)) continue;
      live.delete(r);
      bytes -= work.regions[r].bytes;
    }
  });
  return peak;
}
