import { describe, expect, it } from 'vitest';
import { toyOptions } from '../pipeline/spec-support.js';
import { defineConfig, parseConfig, resolveConfig } from './config.js';

describe('parseConfig', () => {
  it('fills in empty lists', () => {
    expect(parseConfig({}, 'x')).toEqual({ plugins: [], constraints: [] });
    expect(parseConfig(undefined, 'x')).toEqual({ plugins: [], constraints: [] });
  });

  it.each<[string, unknown, string]>([
    [
      'an unknown key',
      { pipelin: {} },
      'c.ts: unknown key "pipelin"; did you mean "pipeline"? (there are: plugins, pipeline, target, objective, constraints, input, seed)',
    ],
    [
      'an unknown stage',
      { pipeline: { scheduler: 'x' } },
      'c.ts: pipeline: unknown key "scheduler"; did you mean "schedule"? (there are: decompose, analyze, schedule, move, allocate, adjust, iterations)',
    ],
    ['a wrong type', { seed: 'one' }, 'c.ts: seed: expected number, received string'],
    ['a wrong access', { input: 'steamed' }, 'c.ts: input: expected one of "resident"|"streamed"|"external"'],
    [
      'a choice without id',
      { pipeline: { schedule: [{ options: {} }] } },
      'c.ts: pipeline.schedule[0].id: expected string, received undefined',
    ],
    [
      'a key in a choice',
      { target: { id: 'x', option: {} } },
      'c.ts: target: unknown key "option"; did you mean "options"? (there are: id, options)',
    ],
    [
      'an unknown constraint',
      { constraints: [{ kind: 'pinn' }] },
      "c.ts: constraints[0].kind: expected one of 'pin' | 'reserve' | 'before' | 'input' | 'mac-factor' | 'capacity'",
    ],
    [
      'a key in a constraint',
      { constraints: [{ kind: 'capacity', space: 'ram', byte: 1 }] },
      'c.ts: constraints[0].bytes: expected number, received undefined',
    ],
    ['what is no plugin', { plugins: ['@regrain/x'] }, 'c.ts: plugins[0]: expected what a plugin package exports as `plugin`'],
    ['a list', [], 'c.ts: expected object, received array'],
  ])('refuses %s', (_, value, message) => {
    expect(() => parseConfig(value, 'c.ts')).toThrow(expect.objectContaining({ code: 'bad-input', message }));
  });
});

describe('resolveConfig', () => {
  it('puts the config over the defaults, and keeps the constraints of both', () => {
    const config = parseConfig(
      defineConfig({
        pipeline: { schedule: ['depth-first'], iterations: 3 },
        constraints: [{ kind: 'capacity', space: 'ram', bytes: 100 }],
        seed: 5,
      }),
      'c.ts',
    );
    const defaults = toyOptions({ constraints: [{ kind: 'mac-factor', max: 1 }] });
    const { pipeline, constraints, seed, target } = resolveConfig(config, defaults);
    expect(pipeline).toEqual({ ...defaults.pipeline, schedule: ['depth-first'], iterations: 3 });
    expect(constraints.map(({ kind }) => kind)).toEqual(['mac-factor', 'capacity']);
    expect([seed, target]).toEqual([5, 'toy']);
  });
});
