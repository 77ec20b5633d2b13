import { inject, injectable } from 'inversify';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Allocator } from '../extension-points/allocator.js';
import { Frontend } from '../extension-points/frontend.js';
import { OperatorSet, OperatorSets } from '../extension-points/operator-set.js';
import { Scheduler } from '../extension-points/scheduler.js';
import type { Contribution, Plugin } from './define.js';
import { noOptions, PluginOptions } from './options.js';
import { Registry } from './registry.js';
import { Clock, Logger, RandomSource, type Services, seeded, seedFor } from './services.js';

const said: string[] = [];
const services: Services = {
  logger: { info: (message) => said.push(message), warn: () => {} },
  clock: { now: () => 7 },
  random: { seeded },
  head: async () => new Uint8Array(),
};

@injectable()
class Sized {
  constructor(
    @inject(PluginOptions) readonly options: { readonly window: number },
    @inject(Logger) readonly logger: Logger,
    @inject(Clock) readonly clock: Clock,
    @inject(RandomSource) readonly random: RandomSource,
  ) {}
}

const options = z.strictObject({
  window: z.number().int().default(16).describe('tasks looked at'),
  policy: z.enum(['split', 'merge']).default('split'),
  levels: z.array(z.strictObject({ bytes: z.number() })).default([]),
});

function contribution(id: string, changes: Partial<Contribution> = {}): Contribution {
  return { point: Scheduler, id, description: '', use: Sized, options, ...changes };
}

function plugin(name: string, ...bindings: Contribution[]): Plugin {
  return { name, version: '1.0.0', bindings };
}

const registry = (...plugins: Plugin[]): Registry => new Registry(plugins, services);
const both = registry(plugin('a', contribution('locality'), contribution('min-peak')));

describe('Registry', () => {
  it('makes instances with parsed options and services', () => {
    const made = both.make(Scheduler, { id: 'locality', options: { window: 3 } }) as unknown as Sized;
    expect(made).toBeInstanceOf(Sized);
    expect(made.options).toEqual({ window: 3, policy: 'split', levels: [] });
    expect(Object.isFrozen(made.options)).toBe(true);
    expect(made.clock.now()).toBe(7);
    made.logger.info('hello');
    expect(said).toEqual(['hello']);
    expect(made.random.seeded(1)()).toBe(seeded(1)());
    expect(both.make(Scheduler, 'locality')).not.toBe(made);
  });

  it('lists what is bound, and nothing where nothing is', () => {
    expect(both.provider(Scheduler).all()).toHaveLength(2);
    expect(both.provider(Scheduler).all()[0]).toBe(both.provider(Scheduler).all()[0]);
    expect(both.provider(Allocator).all()).toEqual([]);
    expect(both.contributions().map(({ id, plugin }) => `${plugin}/${id}`)).toEqual(['a/locality', 'a/min-peak']);
  });

  it('gives all operator sets to who asks for them', () => {
    @injectable()
    class Reader {
      constructor(@inject(OperatorSets) readonly sets: readonly OperatorSet[]) {}
    }
    @injectable()
    class Set {
      readonly types = [];
    }
    const bare = { options: noOptions };
    const reader = contribution('reader', { ...bare, point: Frontend, use: Reader });
    const set = contribution('standard', { ...bare, point: OperatorSet, use: Set });
    const sets = (made: unknown): readonly unknown[] => (made as Reader).sets;
    expect(sets(registry(plugin('a', reader)).make(Frontend, 'reader'))).toEqual([]);
    expect(sets(registry(plugin('a', reader), plugin('b', set)).make(Frontend, 'reader'))).toEqual([expect.any(Set)]);
  });

  it.each<[string, () => unknown, string]>([
    [
      'an unknown id',
      () => both.make(Scheduler, 'min-paek'),
      'unknown Scheduler "min-paek"; did you mean "min-peak"? (there are: locality, min-peak)',
    ],
    [
      'an id of an empty point',
      () => both.make(Allocator, 'best-fit'),
      'no plugin contributes to Allocator, so best-fit cannot be used; add one that does',
    ],
    [
      'an unknown option',
      () => both.make(Scheduler, { id: 'locality', options: { windw: 3 } }),
      'Scheduler locality of a: unknown option "windw"; did you mean "window"? (there are: window, policy, levels)',
    ],
    [
      'a wrong type',
      () => both.make(Scheduler, { id: 'locality', options: { window: 'wide' } }),
      'Scheduler locality of a: option window: expected number, received string',
    ],
    [
      'a wrong value',
      () => both.make(Scheduler, { id: 'locality', options: { policy: 'melt' } }),
      'Scheduler locality of a: option policy: expected one of "split"|"merge"',
    ],
    [
      'an unknown key inside',
      () => both.make(Scheduler, { id: 'locality', options: { levels: [{ byte: 1, bytes: 1 }] } }),
      'Scheduler locality of a: option levels[0]: unknown key "byte"; did you mean "bytes"? (there are: bytes)',
    ],
    ['two plugins of one name', () => registry(plugin('a'), plugin('a')), 'two plugins are called a; list each once'],
    [
      'two contributions of one id',
      () => registry(plugin('a', contribution('x')), plugin('b', contribution('x'))),
      'b and a both bring a Scheduler x; ids are unique for each point',
    ],
    [
      'what is no plugin',
      () => registry({ default: {} } as unknown as Plugin),
      'a plugin must be what definePlugin returns (an object with name, version and bindings)',
    ],
  ])('refuses %s', (_, attempt, message) => {
    expect(attempt).toThrow(expect.objectContaining({ code: 'bad-input', message }));
  });

  it('blames a plugin that cannot be made', () => {
    class Bare {
      constructor(readonly options: unknown) {}
    }
    class Broken {
      constructor() {
        throw new TypeError('no');
      }
    }
    class Later {
      readonly then = () => {};
    }
    for (const [use, message] of [
      [Bare, /x of a broke its contract: it cannot be made/],
      [Broken, /x of a broke its contract: it cannot be made: no/],
      [Later, /x of a broke its contract: it (must be made synchronously|cannot be made)/],
    ] as const) {
      expect(() => registry(plugin('a', contribution('x', { use: use as Contribution['use'] }))).make(Scheduler, 'x')).toThrow(message);
    }
    expect(() => registry(plugin('a', contribution('x', { point: Symbol('mine') })))).toThrow(/no extension point/);
  });
});

describe('seeds', () => {
  it('give the same numbers for the same use, others for another', () => {
    const draw = (use: string): number[] => Array.from({ length: 5 }, seeded(seedFor(1, use)));
    expect(draw('schedule/anneal')).toEqual(draw('schedule/anneal'));
    expect(draw('schedule/anneal')).not.toEqual(draw('allocate/anneal'));
    for (const value of draw('x')) expect(value >= 0 && value < 1).toBe(true);
  });
});
