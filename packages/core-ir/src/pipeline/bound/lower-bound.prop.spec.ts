import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluate, type IndexMap } from '../../ir/index-map.js';
import type { Operation, Program } from '../../ir/program.js';
import type { DType } from '../../ir/tensor.js';
import { ELEMENT_BYTES } from '../../ir/tensor.js';
import { machine } from '../spec-support.js';
import { lowerBound } from './lower-bound.js';

const KINDS = ['map', 'add', 'scale', 'dense', 'window', 'pool', 'stretch'] as const;
interface Choice {
  readonly kind: (typeof KINDS)[number];
  readonly size: number;
  readonly a: number;
  readonly b: number;
  readonly acc: DType;
  readonly free: boolean;
}

/** A program over short vectors of bytes; the last result and those that nothing reads are outputs. */
function programOf(choices: readonly Choice[]): Program {
  const sizes = [2];
  const operations: Operation[] = [];
  for (const [o, { kind, size, a, b, acc, free }] of choices.entries()) {
    const x = a % sizes.length;
    const n = sizes[x];
    const same = sizes.lastIndexOf(n);
    const scalar = sizes.lastIndexOf(1);
    const reads: [number, IndexMap][] = [];
    let [m, reduced] = [n, 1];
    if (kind === 'dense') [m, reduced] = [size, n];
    if (kind === 'pool') [m, reduced] = [1, n];
    if (kind === 'window') reduced = 3;
    if (kind === 'stretch') m = 2 * n;
    if (kind === 'dense' || kind === 'pool') reads.push([x, [{ at: { d: 1 } }]]);
    else if (kind === 'window') reads.push([x, [{ at: ['+', ['+', { d: 0 }, { d: 1 }], -1] }]]);
    else if (kind === 'stretch') reads.push([x, [{ at: ['div', { d: 0 }, 2] }]]);
    else reads.push([x, [{ at: { d: 0 } }]]);
    if (kind === 'add') reads.push([b % 2 ? x : same, [{ at: { d: 0 } }]]);
    if (kind === 'scale' && scalar >= 0) reads.push([scalar, [{ at: 0 }]]);
    sizes.push(m);
    operations.push({
      name: `${kind}${o}`,
      type: kind,
      attributes: {},
      domain: [
        { extent: m, kind: 'parallel' },
        { extent: reduced, kind: 'reduction' },
      ],
      operands: [
        ...reads.map(([tensor, map]) => ({ tensor, mode: 'read' as const, map, ...(kind === 'window' ? { outside: 0 } : {}) })),
        { tensor: sizes.length - 1, mode: 'write', map: [{ at: { d: 0 } }] },
      ],
      body: { acc: reduced > 1 ? acc : 'int8', init: 0, step: 'acc', finish: 'acc' },
      macs: reduced === 1 && free ? 0 : m * reduced,
    });
  }
  const read = new Set(operations.flatMap(({ operands }) => operands.filter(({ mode }) => mode === 'read').map(({ tensor }) => tensor)));
  return {
    name: 'small',
    tensors: sizes.map((size, t) => ({ name: `t${t}`, shape: [size], dtype: 'int8', kind: t === 0 ? 'input' : 'computed' })),
    operations,
    outputs: sizes.flatMap((_, t) => (t > 0 && !read.has(t) ? [t] : [])),
    states: [],
  };
}

/** Points of all operations: what each reads, and the element that it adds to. */
function pointsOf({ operations, tensors }: Program) {
  const first = tensors.map((_, t) => tensors.slice(0, t).reduce((sum, { shape }) => sum + shape[0], 0));
  return operations.flatMap(({ domain: [{ extent }, { extent: reduced }], operands, body }) =>
    Array.from({ length: extent * reduced }, (_, k) => {
      const point = [Math.floor(k / reduced), k % reduced];
      const elements = operands.map(({ tensor, map }) => {
        const [range] = map;
        const at = range === 'all' ? 0 : evaluate(range.at, point);
        return at >= 0 && at < tensors[tensor].shape[0] && tensors[tensor].kind !== 'input' ? first[tensor] + at : -1;
      });
      return { reads: elements.slice(0, -1).filter((e) => e >= 0), adds: elements.at(-1) ?? -1, sum: ELEMENT_BYTES[body?.acc ?? 'int8'] };
    }),
  );
}

/** The least peak of all orders of single points, sums in parts, nothing computed twice: over all sets of points that an order can begin with. */
function leastPeak(program: Program): number {
  const points = pointsOf(program);
  const elements = [...new Set(points.map(({ adds }) => adds))];
  const made = new Map(elements.map((e) => [e, points.reduce((mask, { adds }, p) => (adds === e ? mask | (1 << p) : mask), 0)]));
  const used = new Map(elements.map((e) => [e, points.reduce((mask, { reads }, p) => (reads.includes(e) ? mask | (1 << p) : mask), 0)]));
  const sumBytes = new Map(points.map(({ adds, sum }) => [adds, sum]));
  const starts = program.tensors.map((_, t) => program.tensors.slice(0, t).reduce((sum, { shape }) => sum + shape[0], 0));
  const kept = new Set(program.outputs.flatMap((t) => Array.from({ length: program.tensors[t].shape[0] }, (_, k) => starts[t] + k)));
  const live = (done: number): number => {
    let bytes = 0;
    for (const e of elements) {
      const mine = made.get(e) as number;
      if ((done & mine) === mine) bytes += kept.has(e) || ((used.get(e) as number) & ~done) !== 0 ? 1 : 0;
      else if ((done & mine) !== 0) bytes += sumBytes.get(e) as number;
    }
    return bytes;
  };
  const all = (1 << points.length) - 1;
  const best = new Float64Array(all + 1).fill(Number.POSITIVE_INFINITY);
  best[0] = 0;
  for (let done = 0; done < all; done++) {
    if (best[done] === Number.POSITIVE_INFINITY) continue;
    points.forEach(({ reads }, p) => {
      const next = done | (1 << p);
      if (next === done || reads.some((e) => (done & (made.get(e) as number)) !== made.get(e))) return;
      best[next] = Math.min(best[next], Math.max(best[done], live(next)));
    });
  }
  return best[all];
}

const choices = fc.array(
  fc.record({
    kind: fc.constantFrom(...KINDS),
    size: fc.integer({ min: 1, max: 3 }),
    a: fc.nat(9),
    b: fc.nat(9),
    acc: fc.constantFrom<DType>('int8', 'int32'),
    free: fc.boolean(),
  }),
  { minLength: 2, maxLength: 5 },
);

describe('lowerBound', () => {
  it('is at most the least peak of all orders of single points', () => {
    const tight: number[] = [];
    fc.assert(
      fc.property(choices, (chosen) => {
        const program = programOf(chosen);
        fc.pre(pointsOf(program).length <= 15);
        const bound = lowerBound(program, machine, [{ kind: 'input', tensor: 't0', access: 'external' }]);
        const least = leastPeak(program);
        expect(bound.bytes).toBeLessThanOrEqual(least);
        expect(bound.holds.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(bound.bytes);
        tight.push(bound.bytes / least);
      }),
      { numRuns: 400 },
    );
    // A bound that is always 0 would pass, too.
    expect(tight.filter((ratio) => ratio === 1).length).toBeGreaterThan(tight.length / 4);
  }, 120_000);
});
