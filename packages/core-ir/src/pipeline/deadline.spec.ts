import { injectable } from 'inversify';
import { describe, expect, it } from 'vitest';
import { Decomposer } from '../extension-points/decomposer.js';
import { noOptions } from '../plugin/options.js';
import { BudgetSpent, deadlineIn } from './deadline.js';
import { createSession } from './session.js';
import { bands, blurs, toyOptions, toyPlugin } from './spec-support.js';

const never = new AbortController().signal;

describe('a deadline', () => {
  it('aborts its signal when the clock says so, without a timer', () => {
    let now = 0;
    const { signal, passed } = deadlineIn(10, () => now, never);
    expect([signal.aborted, passed()]).toEqual([false, false]);
    signal.throwIfAborted();
    now = 10;
    expect([signal.aborted, passed()]).toEqual([true, true]);
    expect(() => signal.throwIfAborted()).toThrow(BudgetSpent);
  });

  it('passes the outer abort on, with its reason', () => {
    const outer = new AbortController();
    const { signal } = deadlineIn(10, () => 0, outer.signal);
    outer.abort(new Error('enough'));
    expect(() => signal.throwIfAborted()).toThrow('enough');
    expect(() => deadlineIn(10, () => 0, outer.signal).signal.throwIfAborted()).toThrow('enough');
  });
});

describe('a compile with a budget', () => {
  /** A session whose clock goes on by one with every look at it. */
  const ticking = (plugin = toyPlugin()) => {
    let now = 0;
    return createSession([plugin], { clock: { now: () => now++ } });
  };
  const loop = { decompose: { id: 'bands', options: { rows: 16 } }, adjust: 'halves', iterations: 9 };

  it('that is large gives what it gives without one', async () => {
    const free = await ticking().compile(blurs(3, 64), toyOptions({}, loop));
    const rich = await ticking().compile(blurs(3, 64), toyOptions({ budgetMs: 1e9 }, loop));
    expect(rich.plan).toEqual(free.plan);
    expect([free.cutShort, rich.cutShort]).toEqual([false, false]);
  });

  it('of nothing answers with the first plan that fits, and says that it was cut short', async () => {
    const { plan, baseline, cutShort } = await ticking().compile(blurs(3, 64), toyOptions({ budgetMs: 0 }, loop));
    expect(plan.metrics).toEqual(baseline.plan.metrics);
    expect(cutShort).toBe(true);
  });

  it('never gives worse with more time, and all that it gives is verified', async () => {
    let before = Number.POSITIVE_INFINITY;
    let trials = 0;
    for (let budgetMs = 0; budgetMs < 400; budgetMs += 20) {
      const { plan, verifiedBy } = await ticking().compile(blurs(3, 64), toyOptions({ budgetMs }, loop));
      expect(plan.metrics.arenaBytes[0]).toBeLessThanOrEqual(before);
      expect(plan.trials.length).toBeGreaterThanOrEqual(trials);
      expect(verifiedBy).toEqual(['writes-first']);
      before = plan.metrics.arenaBytes[0];
      trials = plan.trials.length;
    }
    expect(trials).toBeGreaterThan(0);
  });

  it('is not over before something fits', async () => {
    const constraints = [{ kind: 'capacity', space: 'ram', bytes: 250 } as const];
    const { plan, baselineFits, cutShort } = await ticking().compile(
      blurs(),
      toyOptions({ budgetMs: 0, constraints }, { adjust: 'halves', iterations: 4 }),
    );
    expect(baselineFits).toBe(false);
    expect(plan.metrics.arenaBytes[0]).toBeLessThanOrEqual(250);
    expect(cutShort).toBe(true);
  });

  it('ends a plugin that asks its signal, and keeps what was found before', async () => {
    let asked = 0;
    @injectable()
    class Endless {
      decompose(program: Parameters<typeof bands>[0], { signal }: { readonly signal: AbortSignal }): never {
        for (;;) {
          asked++;
          signal.throwIfAborted();
          bands(program, 4);
        }
      }
    }
    const endless = toyPlugin([{ point: Decomposer, id: 'endless', use: Endless }]);
    const more = {
      ...endless,
      bindings: [...endless.bindings, { point: Decomposer, id: 'endless', description: 'never ends', use: Endless, options: noOptions }],
    };
    const { made, cutShort } = await ticking(more).compile(blurs(), toyOptions({ budgetMs: 1000 }, { decompose: ['bands', 'endless'] }));
    expect(asked).toBeGreaterThan(0);
    expect(made['decompose']).toBe('bands');
    expect(cutShort).toBe(true);
  });
});
