import { injectable } from 'inversify';
import { describe, expect, it } from 'vitest';
import { InfeasibleError, PluginError } from '../errors.js';
import { Adjuster } from '../extension-points/adjuster.js';
import { Scheduler } from '../extension-points/scheduler.js';
import { Verifier } from '../extension-points/verifier.js';
import type { Metrics } from '../ir/plan.js';
import { noOptions } from '../plugin/options.js';
import { createSession } from './session.js';
import { bands, blurs, toyOptions, toyPlugin } from './spec-support.js';
import type { ProgressEvent } from './types.js';

const session = createSession([toyPlugin()]);

describe('compile', () => {
  it('plans by regions, better than by whole tensors, and says who made the plan', async () => {
    const { plan, baseline, made, verifiedBy } = await session.compile(blurs(), toyOptions());
    expect(baseline.plan.metrics.peakBytes).toEqual([256]);
    expect(plan.metrics.peakBytes[0]).toBeLessThan(256);
    expect(made).toEqual({
      decompose: 'bands',
      analyze: 'pairwise',
      schedule: 'program-order',
      move: 'one-space',
      allocate: 'first-fit',
      execute: 'toy',
    });
    expect(verifiedBy).toEqual(['writes-first']);
    expect(plan.metrics.macs).toBe(3 * 16 * 8 * 3);
  });

  it('answers with the whole-tensor plan where regions do not pay', async () => {
    const { plan, baseline, made } = await session.compile(blurs(1, 4), toyOptions({ input: 'resident' }, { schedule: 'program-order' }));
    expect(plan.metrics).toEqual(baseline.plan.metrics);
    expect(made['decompose']).toBe('whole-tensor');
  });

  it('plans a grain that was made elsewhere as if its maker had made it here', async () => {
    const { program } = blurs();
    const by = { id: 'bands', options: { rows: 4 } };
    const here = await session.compile(blurs(), toyOptions({}, { decompose: by }));
    const given = await session.compile(blurs(), toyOptions({ grain: { grain: bands(program, 4), by } }));
    expect(given.plan).toEqual(here.plan);
    const torn = { ...bands(program, 4), tasks: [] };
    await expect(session.compile(blurs(), toyOptions({ grain: { grain: torn, by } }))).rejects.toThrow(/tasks for each/);
  });

  it('makes the same plan without running it where nobody asks for times', async () => {
    const { plan } = await session.compile(blurs(), toyOptions());
    const { plan: untimed, seen } = await session.compile(blurs(), toyOptions({ untimed: true }));
    expect(untimed).toEqual({ ...plan, metrics: { ...plan.metrics, cycles: 0 } });
    expect(seen.end).toHaveLength(plan.steps.length);
  });

  it('gives up what is not worth more, before it is placed and after', async () => {
    const { metrics } = (await session.compile(blurs(), toyOptions())).plan;
    const asked: number[] = [];
    const within = (most: number) => (least: Metrics) => {
      asked.push(least.arenaBytes[0]);
      return least.arenaBytes[0] < most;
    };
    expect((await session.compile(blurs(), toyOptions({ worth: within(metrics.arenaBytes[0] + 1) }))).plan.metrics).toEqual(metrics);
    expect(Math.min(...asked)).toBeLessThanOrEqual(metrics.peakBytes[0]);
    expect(Math.max(...asked)).toBeGreaterThanOrEqual(metrics.arenaBytes[0]);
    const { made } = await session.compile(blurs(), toyOptions({ worth: within(metrics.peakBytes[0]) }));
    expect(made['decompose']).toBe('whole-tensor');
    const tight = toyOptions({ worth: () => false, constraints: [{ kind: 'capacity', space: 'ram', bytes: 250 }] });
    await expect(session.compile(blurs(), tight)).rejects.toMatchObject({ code: 'infeasible' });
  });

  it('gives the same plan on every run', async () => {
    const once = await session.compile(blurs(), toyOptions({}, { adjust: 'halves', iterations: 4 }));
    const again = await session.compile(blurs(), toyOptions({}, { adjust: 'halves', iterations: 4 }));
    expect(again.plan).toEqual(once.plan);
  });

  it('adjusts only while the score falls, and records every trial', async () => {
    const start = { decompose: { id: 'bands', options: { rows: 16 } } };
    const before = await session.compile(blurs(3, 64), toyOptions({}, start));
    const { plan, iterations, edits } = await session.compile(blurs(3, 64), toyOptions({}, { ...start, adjust: 'halves', iterations: 9 }));
    expect(iterations).toBe(plan.trials.length);
    expect(plan.trials.map(({ kept }) => kept)).toContain(true);
    expect(edits).toBe(plan.trials.reduce((sum, trial) => sum + (trial.kept ? trial.edits.length : 0), 0));
    for (const { kept, before, after } of plan.trials) expect(kept).toBe(after < before);
    expect(plan.metrics.arenaBytes[0]).toBeLessThan(before.plan.metrics.arenaBytes[0]);
    expect(plan.metrics.arenaBytes[0]).toBe(Math.min(...plan.trials.map(({ after }) => after)));
  });

  it('says what does not fit, where, and what makes the peak', async () => {
    const options = toyOptions({ constraints: [{ kind: 'capacity', space: 'ram', bytes: 140 }] });
    const failure = await session.compile(blurs(), options).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(InfeasibleError);
    const { space, required, available, task, peak } = (failure as InfeasibleError).detail;
    expect([space, available]).toEqual(['ram', 140]);
    expect(required).toBeGreaterThan(140);
    expect(task).toMatch(/^blur\d\[/);
    expect(peak[0].what).toMatch(/^t\d\[/);
  });

  it('compares with whole tensors even where they do not fit', async () => {
    const options = toyOptions({ constraints: [{ kind: 'capacity', space: 'ram', bytes: 250 }] });
    const { plan, baseline, baselineFits } = await session.compile(blurs(), options);
    expect(baselineFits).toBe(false);
    expect(baseline.plan.metrics.peakBytes).toEqual([256]);
    expect(plan.metrics.arenaBytes[0]).toBeLessThanOrEqual(250);
  });

  it('reports progress and the time of each stage', async () => {
    const events: ProgressEvent[] = [];
    const { elapsedMs } = await session.compile(blurs(), toyOptions({ progress: (event) => events.push(event) }));
    expect([...new Set(events.map(({ stage }) => stage))].sort()).toEqual(
      ['allocate', 'analyze', 'decompose', 'execute', 'move', 'schedule', 'verify'].sort(),
    );
    expect(Object.keys(elapsedMs)).toEqual(expect.arrayContaining(['expand', 'analyze', 'compile']));
  });

  it('stops between stages when aborted', async () => {
    const stop = new AbortController();
    const progress = ({ stage }: ProgressEvent): void => {
      if (stage === 'schedule') stop.abort(new Error('enough'));
    };
    await expect(session.compile(blurs(), toyOptions({ signal: stop.signal, progress }))).rejects.toThrow('enough');
  });

  it('places pinned tensors, and keeps clear of reserved bytes', async () => {
    const { plan } = await session.compile(
      blurs(),
      toyOptions({
        constraints: [
          { kind: 'pin', tensor: 't3', space: 'ram', offset: 1024 },
          { kind: 'reserve', space: 'ram', offset: 0, bytes: 512 },
        ],
      }),
    );
    const { regions, instances } = plan.decomposition;
    for (const { holds, offset } of plan.placements) {
      expect(offset).toBeGreaterThanOrEqual(512);
      const pinned = 'region' in holds && instances[regions[holds.region].instance].tensor === 3;
      if (pinned) expect(offset).toBe(1024 + regions[holds.region].box[0][0] * 8);
    }
  });

  it.each([
    [{ kind: 'pin', tensor: 't33', space: 'ram' } as const, /no tensor called "t33"; did you mean "t3"/],
    [{ kind: 'capacity', space: 'rom', bytes: 1 } as const, /no space of toy called "rom"; did you mean "ram"/],
    [{ kind: 'input', tensor: 't1', access: 'external' } as const, /t1 is no input/],
  ])('refuses a constraint on what does not exist: %o', async (constraint, message) => {
    await expect(session.compile(blurs(), toyOptions({ constraints: [constraint] }))).rejects.toThrow(message);
  });

  it('blames a plugin that throws, and keeps the cause', async () => {
    @injectable()
    class Throws {
      schedule(): never {
        throw new TypeError('x is undefined');
      }
    }
    const broken = createSession([toyPlugin([{ point: Scheduler, id: 'program-order', use: Throws }])]);
    const failure = await broken.compile(blurs(), toyOptions()).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(PluginError);
    expect((failure as PluginError).message).toBe('plugin program-order of toy broke its contract: it threw TypeError: x is undefined');
    expect((failure as PluginError).cause).toBeInstanceOf(TypeError);
  });

  it('fails with the first fault that a verifier finds', async () => {
    @injectable()
    class Doubts {
      verify() {
        return [
          { rule: 'hazard', message: 'step 2 reads too early' },
          { rule: 'hazard', message: 'step 3 too' },
        ];
      }
    }
    const doubting = createSession([toyPlugin([{ point: Verifier, id: 'writes-first', use: Doubts }])]);
    await expect(doubting.compile(blurs(), toyOptions())).rejects.toMatchObject({
      code: 'verification',
      message: 'the plan is wrong, says writes-first of toy: hazard: step 2 reads too early (and 1 faults more)',
    });
  });

  it('blames an adjuster whose edits do not fit', async () => {
    @injectable()
    class Wild {
      propose() {
        return [{ gain: 1, edits: [{ kind: 'split', at: { tensor: 1, box: [] }, axis: 0, cut: 1, tasks: true }] }];
      }
    }
    const wild = createSession([toyPlugin([{ point: Adjuster, id: 'halves', use: Wild, options: noOptions }])]);
    await expect(wild.compile(blurs(), toyOptions({}, { adjust: 'halves', iterations: 1 }))).rejects.toThrow(
      /plugin halves of toy broke its contract: it proposed edits that do not fit/,
    );
  });
});

describe('accountings', () => {
  it('counts resident, streamed and external inputs, none below its bound nor above whole tensors', async () => {
    const options = toyOptions();
    const result = await session.compile(blurs(), options);
    const { resident, streamedInput, externalInput } = await session.accountings(result, options);
    expect(streamedInput.peakBytes).toBe(result.plan.metrics.peakBytes[0]);
    expect(externalInput.peakBytes).toBeLessThanOrEqual(streamedInput.peakBytes);
    expect(streamedInput.peakBytes).toBeLessThanOrEqual(resident.peakBytes);
    expect(resident.boundBytes).toBe(128);
    for (const { peakBytes, tensorPeakBytes, boundBytes, arenaBytes } of [resident, streamedInput, externalInput]) {
      expect(boundBytes).toBeLessThanOrEqual(peakBytes);
      expect(peakBytes).toBeLessThanOrEqual(tensorPeakBytes);
      expect(arenaBytes).toBeGreaterThanOrEqual(peakBytes);
    }
  });
});
