import {
  type Box,
  type Dependences,
  expand,
  type Grain,
  type IndexMap,
  type Operation,
  type Program,
  wholeTensorGrain,
} from '@regrain/core-ir';
import { testMachine } from '@regrain/testkit';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { taskGraph } from './graph.js';
import { LiveBytes, peakOf } from './live-bytes.js';
import { memoryModel } from './memory-model.js';
import { Orders, POLICIES } from './policies.js';
import { bestSegments } from './segments.js';

const H = 6;

/** A random DAG of row convolutions and additions over [H, width] maps; every map is cut in rows. */
const cases = fc
  .array(fc.record({ a: fc.nat(), b: fc.nat(), halo: fc.integer({ min: 0, max: 1 }), width: fc.integer({ min: 1, max: 9 }) }), {
    minLength: 1,
    maxLength: 6,
  })
  .map((steps) => {
    const tensors: Program['tensors'][number][] = [{ name: 'x', shape: [H, 4], dtype: 'int8', kind: 'input' }];
    const operations: Operation[] = steps.map(({ a, b, halo, width }, k) => {
      tensors.push({ name: `t${k}`, shape: [H, width], dtype: 'int8', kind: 'computed' });
      const read = (tensor: number, reach: number): Operation['operands'][number] => ({
        tensor,
        mode: 'read',
        outside: 0,
        map: [
          { at: ['+', { d: 0 }, -reach], size: 2 * reach + 1 },
          { at: 0, size: tensors[tensor].shape[1] },
        ],
      });
      const map: IndexMap = [{ at: { d: 0 } }, { at: { d: 1 } }];
      return {
        name: `o${k}`,
        type: 'Mix',
        attributes: {},
        domain: [H, width].map((extent) => ({ extent, kind: 'parallel' as const })),
        operands: [read(a % (k + 1), halo), read(b % (k + 1), 0), { tensor: k + 1, mode: 'write' as const, map }],
        macs: 1,
      };
    });
    const program: Program = { name: 'random', tensors, operations, outputs: [steps.length], states: [] };
    const rows = tensors.map(({ shape }) =>
      Array.from(
        { length: H },
        (_, r): Box => [
          [r, r + 1],
          [0, shape[1]],
        ],
      ),
    );
    const grain: Grain = { ...wholeTensorGrain(program), regions: rows };
    return { program, grain };
  });

/** All pairs; every write comes before its reads in task order. */
function needsOf(work: ReturnType<typeof expand>): Dependences {
  const row = [0];
  const from: number[] = [];
  work.tasks.forEach((task, t) => {
    for (let p = 0; p < t; p++) {
      const feeds = work.tasks[p].accesses.some(
        (w) =>
          w.mode === 'write' &&
          task.accesses.some(
            (r) => r.mode === 'read' && r.instance === w.instance && r.box[0][0] < w.box[0][1] && w.box[0][0] < r.box[0][1],
          ),
      );
      if (feeds) from.push(p);
    }
    row.push(from.length);
  });
  return { row: Int32Array.from(row), from: Int32Array.from(from), kinds: new Uint8Array(from.length).fill(1) };
}

it.each(['streamed', 'resident', 'external'] as const)(
  'orders are legal, and no policy alone beats the chosen segments (%s input)',
  (access) => {
    fc.assert(
      fc.property(cases, ({ program, grain }) => {
        const work = expand(program, grain);
        const needs = needsOf(work);
        const context = { machine: testMachine, constraints: [{ kind: 'input' as const, tensor: 'x', access }] };
        const graph = taskGraph(program, work, needs, context);
        const model = memoryModel(program, work, context);
        const { order, peak } = bestSegments(graph, model, { maxCuts: 10 });
        const position = new Map(Array.from(order, (task, k) => [task, k]));
        expect(position.size).toBe(work.tasks.length);
        for (let t = 0; t < work.tasks.length; t++) {
          for (let e = needs.row[t]; e < needs.row[t + 1]; e++) expect(position.get(needs.from[e])).toBeLessThan(position.get(t) as number);
        }
        expect(peakOf(model, order)).toBe(peak);
        expect(naivePeak(model, order)).toBe(peak);
        for (const policy of POLICIES) {
          const bytes = new LiveBytes(model);
          expect(new Orders(graph, model).run(policy, 0, program.operations.length, bytes, Number.POSITIVE_INFINITY)).toBe(true);
          expect(peak).toBeLessThanOrEqual(bytes.peak);
        }
      }),
      { numRuns: 60 },
    );
  },
);

it('begins segments only where the grain says, if it says so', () => {
  fc.assert(
    fc.property(cases, ({ program, grain }) => {
      const work = expand(program, grain);
      const needs = needsOf(work);
      const context = { machine: testMachine, constraints: [] };
      const graph = taskGraph(program, work, needs, context);
      const model = memoryModel(program, work, context);
      const every = program.operations.map((_, o) => o);
      // All places known: as good as those found by the bytes that cross. None but the start: one policy for all.
      const { peak } = bestSegments(graph, model, { maxCuts: 10 });
      expect(bestSegments(graph, model, { maxCuts: 0, boundaries: every }).peak).toBe(peak);
      expect(bestSegments(graph, model, { maxCuts: 10, boundaries: [0, 1].filter((at) => at < every.length) }).peak).toBeGreaterThanOrEqual(
        peak,
      );
    }),
    { numRuns: 40 },
  );
});

it('runs segments that begin where the grain says no higher than the whole', () => {
  fc.assert(
    fc.property(cases, ({ program, grain }) => {
      const work = expand(program, grain);
      const context = { machine: testMachine, constraints: [] };
      const graph = taskGraph(program, work, needsOf(work), context);
      const model = memoryModel(program, work, context);
      const boundaries = program.operations.map((_, o) => o);
      const { order, peak } = bestSegments(graph, model, { maxCuts: 0, boundaries });
      expect(peakOf(model, order)).toBe(peak);
      expect(naivePeak(model, order)).toBe(peak);
      expect(peak).toBeLessThanOrEqual(bestSegments(graph, model, { maxCuts: 0 }).peak);
    }),
    { numRuns: 40 },
  );
});

/** Counts, at each position, every region whose first and last use stand around it. */
function naivePeak(model: ReturnType<typeof memoryModel>, order: Int32Array): number {
  const first = new Map<number, number>();
  const last = new Map<number, number>();
  order.forEach((task, k) => {
    for (let e = model.row[task]; e < model.row[task + 1]; e++) {
      if (!first.has(model.region[e])) first.set(model.region[e], k);
      last.set(model.region[e], k);
    }
  });
  let peak = 0;
  for (let k = 0; k < order.length; k++) {
    let live = 0;
    for (let r = 0; r < model.bytes.length; r++) {
      const from = model.before[r] ? -1 : first.get(r);
      const to = model.after[r] ? order.length : last.get(r);
      if (from !== undefined && to !== undefined && from <= k && k <= to) live += model.bytes[r];
    }
    peak = Math.max(peak, live);
  }
  return peak;
}
