import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Touches } from '../expand/touches.js';
import type { Placement, Step } from '../ir/plan.js';
import { withDependenceWaits, withReuseWaits } from './waits.js';

/** Task t touches region t and, if `reads`, region t - 1; every region has one placement. */
interface Case {
  readonly touches: Touches;
  readonly steps: readonly Step[];
  readonly placements: readonly Placement[];
  readonly users: readonly (readonly number[])[];
}

const cases = fc
  .array(
    fc.record({
      engine: fc.integer({ min: 0, max: 2 }),
      offset: fc.integer({ min: 0, max: 12 }),
      bytes: fc.integer({ min: 1, max: 6 }),
      again: fc.integer({ min: 0, max: 3 }),
    }),
    { minLength: 2, maxLength: 14 },
  )
  .map((tasks): Case => {
    // A region is used by the task that makes it and by the one `again` later; placements that would collide move out of the way.
    const users = tasks.map(({ again }, t) => [...new Set([t, Math.min(tasks.length - 1, t + again)])]);
    const placements: Placement[] = [];
    tasks.forEach(({ offset, bytes }, t) => {
      const [first, last] = [t + 1, Math.max(...users[t]) + 1];
      let at = offset;
      while (placements.some((other) => other.last >= first && other.offset < at + bytes && at < other.offset + other.bytes)) at++;
      placements.push({ holds: { region: t }, space: 0, offset: at, bytes, first, last });
    });
    const row = [0];
    const region: number[] = [];
    tasks.forEach((_, t) => {
      users.forEach((by, r) => {
        if (by.includes(t)) region.push(r);
      });
      row.push(region.length);
    });
    const touches = { row: Int32Array.from(row), region: Int32Array.from(region), how: new Uint8Array(region.length) };
    return { touches, users, placements, steps: tasks.map(({ engine }, task) => ({ kind: 'task', task, engine, waits: [] })) };
  });

/** ended[b] holds every step that has ended when step b starts. */
function endedBefore(steps: readonly Step[]): Set<number>[] {
  const ended: Set<number>[] = [];
  steps.forEach(({ engine, waits }, b) => {
    const known = new Set<number>();
    for (let a = 0; a < b; a++) {
      if (steps[a].engine !== engine && !waits.includes(a)) continue;
      known.add(a);
      for (const c of ended[a]) known.add(c);
    }
    ended.push(known);
  });
  return ended;
}

describe('withDependenceWaits', () => {
  it('makes a task wait for the latest it depends on, on each other engine', () => {
    const steps = [0, 1, 1, 0].map((engine, task): Step => ({ kind: 'task', task, engine, waits: [] }));
    const needs = { row: Int32Array.of(0, 0, 1, 1, 4), from: Int32Array.of(0, 0, 1, 2), kinds: new Uint8Array(4).fill(1) };
    expect(withDependenceWaits(needs, steps).map(({ waits }) => waits)).toEqual([[], [0], [], [2]]);
  });
});

describe('withReuseWaits', () => {
  it('orders every pair of steps that use the same bytes for different regions, and waits only for earlier steps', () => {
    fc.assert(
      fc.property(cases, ({ touches, steps, placements, users }) => {
        const ordered = withReuseWaits(touches, steps, placements);
        const ended = endedBefore(ordered);
        for (const [q, later] of placements.entries()) {
          for (const [p, earlier] of placements.slice(0, q).entries()) {
            if (later.offset >= earlier.offset + earlier.bytes || earlier.offset >= later.offset + later.bytes) continue;
            for (const b of users[q]) for (const a of users[p]) if (a !== b) expect(ended[b].has(a)).toBe(true);
          }
        }
        for (const [i, { waits }] of ordered.entries()) for (const wait of waits) expect(wait).toBeLessThan(i);
      }),
    );
  });

  it('leaves a single engine alone', () => {
    const steps: Step[] = [0, 1].map((task) => ({ kind: 'task', task, engine: 0, waits: [] }));
    const placements = [0, 1].map(
      (region): Placement => ({ holds: { region }, space: 0, offset: 0, bytes: 4, first: region + 1, last: region + 1 }),
    );
    const touches = { row: Int32Array.of(0, 1, 2), region: Int32Array.of(0, 1), how: new Uint8Array(2) };
    expect(withReuseWaits(touches, steps, placements)).toBe(steps);
  });
});
