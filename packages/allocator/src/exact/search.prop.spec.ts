import { packings } from '@regrain/testkit/arbitraries';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { groupsOf } from '../groups.js';
import { FREE, itemsOf } from './items.js';
import { ORDERS, sortedBy } from './orders.js';
import { type Outcome, Search } from './search.js';
import { type Sections, sectionsOf } from './sections.js';
import { cutUp, lowestHeight, tiedPackings, tightPackings } from './spec-support.js';

const problems = fc.oneof(tightPackings, tiedPackings, packings(7));

function sectionsFor(problem: Parameters<typeof groupsOf>[0]): Sections {
  return sectionsOf(itemsOf(groupsOf(problem)).items, 1000) as Sections;
}

function expectPlacement({ items, bytes, fixed, align, meets, other, above }: Sections, offsets: Float64Array, capacity: number): void {
  for (let i = 0; i < items; i++) {
    expect(offsets[i] + bytes[i]).toBeLessThanOrEqual(capacity);
    expect(offsets[i] % align[i]).toBe(0);
    if (fixed[i] !== FREE) expect(offsets[i]).toBe(fixed[i]);
    for (let e = meets[i]; e < meets[i + 1]; e++) {
      if (offsets[other[e]] >= offsets[i]) expect(offsets[other[e]]).toBeGreaterThanOrEqual(offsets[i] + above[e]);
    }
  }
}

describe.each(ORDERS.map(({ order, byTotal }) => [`${byTotal ? 'fullest, ' : ''}${order.join(', ')}`, order, byTotal === true] as const))(
  'search in the order %s',
  (_, order, byTotal) => {
    it('finds the lowest placement, and exhausts what is one byte lower', () => {
      fc.assert(
        fc.property(problems, (problem) => {
          const sections = sectionsFor(problem);
          const height = lowestHeight(problem.buffers);
          const search = new Search(sections, sortedBy(sections, order), byTotal, height);
          expect(search.run(1_000_000)).toBe('found');
          expectPlacement(sections, search.offsets(), height);
          expect(new Search(sections, sortedBy(sections, order), byTotal, height - 1).run(1_000_000)).toBe('impossible');
        }),
        { numRuns: 50 },
      );
    });

    it('ends the same whether it runs at once or node by node', () => {
      fc.assert(
        fc.property(problems, fc.integer({ min: -2, max: 2 }), (problem, more) => {
          const sections = sectionsFor(problem);
          const capacity = lowestHeight(problem.buffers) + more;
          const whole = new Search(sections, sortedBy(sections, order), byTotal, capacity);
          const steps = new Search(sections, sortedBy(sections, order), byTotal, capacity);
          const outcome = whole.run(1_000_000);
          let stepped = steps.run(1);
          while (stepped === 'open') stepped = steps.run(1);
          expect(stepped).toBe(outcome);
          expect(steps.nodes).toBe(whole.nodes);
          expect(steps.offsets()).toEqual(whole.offsets());
        }),
        { numRuns: 20 },
      );
    });
  },
);

describe('searches in all orders', () => {
  it('agree on full rectangles that were cut up, some pieces aligned', () => {
    let found = 0;
    let impossible = 0;
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.constantFrom(0, 3, 8, 12, 16), (seed, aligned) => {
        const problem = cutUp(seed, aligned);
        const sections = sectionsFor(problem);
        const ended = new Set<Outcome>();
        for (const { order, byTotal } of ORDERS) {
          const search = new Search(sections, sortedBy(sections, order), byTotal === true, problem.capacity);
          const outcome = search.run(2000);
          if (outcome === 'found') expectPlacement(sections, search.offsets(), problem.capacity);
          if (outcome !== 'open') ended.add(outcome);
        }
        if (aligned === 0) expect(ended).not.toContain('impossible');
        expect(ended.size).toBeLessThanOrEqual(1);
        if (ended.has('found')) found++;
        if (ended.has('impossible')) impossible++;
      }),
      { numRuns: 200, seed: 1 },
    );
    expect(found).toBeGreaterThan(50);
    expect(impossible).toBeGreaterThan(50);
  });
});
