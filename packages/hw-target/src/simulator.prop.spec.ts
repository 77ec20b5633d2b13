import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDescription } from './description.js';
import { simulate } from './simulator.js';
import { move, type Sketch, sketch, task, toy } from './spec-support.js';

/** Random tasks over bands of three tensors, two engines and a queue, with waits on random earlier steps of other engines. */
const plans = fc
  .array(
    fc.record({
      engine: fc.nat(2),
      cycles: fc.nat(50),
      tensor: fc.nat(2),
      lo: fc.nat(60),
      size: fc.integer({ min: 1, max: 64 }),
      write: fc.boolean(),
      waits: fc.array(fc.nat(1000), { maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((drawn): Sketch => {
    const bands = [0, 16, 32, 48].map((lo) => [[lo, lo + 16]] as const);
    const steps = drawn.map(({ engine, waits, lo, tensor }, i) => {
      const before = waits.map((w) => w % (i || 1)).filter((w) => i > 0 && drawn[w].engine !== engine);
      const unique = [...new Set(before)].sort((a, b) => a - b);
      const region = tensor * 4 + Math.floor(lo / 16);
      return engine === 2 ? move(12 + region, region, 2, unique) : task(i, engine, unique);
    });
    const place = (space: number) =>
      Array.from({ length: 12 }, (_, region) => ({
        holds: { region },
        space,
        offset: 16 * region,
        bytes: 16,
        first: 0,
        last: steps.length + 1,
      }));
    return {
      tensors: [{ shape: [64] }, { shape: [64] }, { shape: [64] }],
      regions: { 0: bands, 1: bands, 2: bands },
      tasks: drawn.map(({ cycles, tensor, lo, size, write }) => ({
        cycles,
        touches: [[write ? 'write' : 'read', tensor, [[lo, Math.min(64, lo + size)]]]],
      })),
      steps,
      placements: [...place(0), ...place(1)],
    };
  });

const description = parseDescription(toy);
const close = 1e-6;

describe('any plan', () => {
  it('ends no earlier than its critical path and its busiest engine and port, and respects waits', () => {
    fc.assert(
      fc.property(plans, (drawn) => {
        const plan = sketch(drawn);
        const { start, end } = simulate(plan, description);
        const makespan = Math.max(...end);
        const path: number[] = [];
        const load = [0, 0, 0];
        const last = [-1, -1, -1];
        let port = 0;
        plan.steps.forEach((step, i) => {
          const alone = simulate({ ...plan, steps: [{ ...step, waits: [] }] }, description).end[0];
          expect(end[i] - start[i]).toBeGreaterThanOrEqual(alone - close);
          const before = last[step.engine] < 0 ? [...step.waits] : [...step.waits, last[step.engine]];
          for (const w of before) expect(start[i]).toBeGreaterThanOrEqual(end[w] - close);
          path[i] = alone + Math.max(0, ...before.map((w) => path[w]));
          load[step.engine] += alone;
          last[step.engine] = i;
          const bytes =
            step.kind === 'move'
              ? 16
              : plan.decomposition.tasks[step.task].accesses.reduce((sum, { box }) => sum + box[0][1] - box[0][0], 0);
          port += bytes / 4;
        });
        expect(makespan).toBeGreaterThanOrEqual(Math.max(...path, ...load, port) - close);
        // Nothing idles for no reason: at every time some step runs, so all of them in a row is the most it can take.
        expect(makespan).toBeLessThanOrEqual(load[0] + load[1] + load[2] + close);
      }),
      { numRuns: 150 },
    );
  });

  it('gives the same observations every time', () => {
    fc.assert(
      fc.property(plans, (drawn) => {
        expect(simulate(sketch(drawn), description)).toEqual(simulate(sketch(drawn), description));
      }),
      { numRuns: 30 },
    );
  });

  it('counts bytes, accesses and busy time as the plain definition does', () => {
    fc.assert(
      fc.property(plans, (drawn) => {
        const plan = sketch(drawn);
        const seen = simulate(plan, description);
        const { regions, tasks } = plan.decomposition;
        const expected = { read: regions.map(() => 0), accesses: regions.map(() => 0), busy: regions.map(() => 0) };
        const pairs = new Map<string, number>();
        plan.steps.forEach((step, i) => {
          if (step.kind !== 'task') return;
          const [{ instance, box, mode }] = tasks[step.task].accesses;
          regions.forEach((region, r) => {
            const shared = Math.min(region.box[0][1], box[0][1]) - Math.max(region.box[0][0], box[0][0]);
            if (region.instance !== instance || shared <= 0) return;
            expected.accesses[r]++;
            expected.busy[r] += seen.end[i] - seen.start[i];
            if (mode === 'read') expected.read[r] += shared;
          });
        });
        tasks.forEach(({ accesses: [{ instance, box }] }) => {
          for (let r = 0; r + 1 < regions.length; r++) {
            const edge = regions[r].box[0][1];
            if (regions[r].instance !== instance || regions[r + 1].instance !== instance || box[0][0] >= edge || box[0][1] <= edge)
              continue;
            pairs.set(`${r},${r + 1}`, (pairs.get(`${r},${r + 1}`) ?? 0) + 1);
          }
        });
        expect([...seen.read]).toEqual(expected.read);
        expect([...seen.accesses]).toEqual(expected.accesses);
        seen.busy.forEach((busy, r) => void expect(busy).toBeCloseTo(expected.busy[r]));
        expect(Object.fromEntries(seen.coaccess.map(([a, b, n]) => [`${a},${b}`, n]))).toEqual(Object.fromEntries(pairs));
      }),
      { numRuns: 100 },
    );
  });
});
