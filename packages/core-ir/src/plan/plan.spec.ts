import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Plan } from '../ir/plan.js';
import { createSession } from '../pipeline/session.js';
import { blurs, toyOptions, toyPlugin } from '../pipeline/spec-support.js';
import { checkConstants, sha256Of } from './constants.js';
import { liveProfile } from './live-profile.js';
import { parsePlan } from './parse.js';
import { planJsonSchema } from './schema.js';
import { serializePlan } from './serialize.js';

let plan: Plan;
beforeAll(async () => {
  const session = createSession([toyPlugin()]);
  plan = (await session.compile(blurs(), toyOptions({}, { adjust: 'halves', iterations: 2 }))).plan;
});

/** Everything that JSON has no word for, in every place that may have it. */
function awkward(from: Plan): Plan {
  const [first, ...rest] = from.program.operations;
  return {
    ...from,
    program: {
      ...from.program,
      tensors: from.program.tensors.map((tensor, i) =>
        i === 0 ? { ...tensor, kind: 'constant' as const, data: { splat: Number.NEGATIVE_INFINITY } } : tensor,
      ),
      operations: [
        {
          ...first,
          attributes: { pads: [1, 1], limit: Number.POSITIVE_INFINITY, table: Float32Array.of(0.5, Number.NaN), big: 1n, name: 'Infinity' },
          operands: first.operands.map((operand) =>
            operand.mode === 'read' ? { ...operand, outside: Number.NEGATIVE_INFINITY } : operand,
          ),
          body: {
            acc: 'float32',
            init: Number.NEGATIVE_INFINITY,
            step: { fn: 'max', args: ['acc', { x: 0 }] },
            finish: { fn: 'add', args: [-0, 'acc'] },
          },
        },
        ...rest,
      ],
    },
    machine: { ...from.machine, detail: { bytes: Number.POSITIVE_INFINITY, name: 'x' } },
    trials: [{ edits: [], predicted: 0.1, before: 5, after: Number.POSITIVE_INFINITY, kept: false }],
  };
}

describe('plan text', () => {
  it('round-trips, awkward numbers included', () => {
    const text = serializePlan(awkward(plan));
    expect(parsePlan(text)).toEqual(awkward(plan));
    expect(serializePlan(parsePlan(text))).toBe(text);
  });

  it('keeps steps that move and wait, and scratch', () => {
    const moving: Plan = {
      ...plan,
      steps: [{ kind: 'move', engine: 0, waits: [], from: 0, to: 1 }, ...plan.steps.slice(1).map((step) => ({ ...step, waits: [0] }))],
      placements: plan.placements.map((placement, p) => (p === 0 ? { ...placement, holds: { scratch: 3 } } : placement)),
    };
    expect(parsePlan(serializePlan(moving))).toEqual(moving);
  });

  it('is what the published JSON Schema says', () => {
    const file = new URL('../../schema/regrain.plan.1.json', import.meta.url);
    expect(JSON.parse(readFileSync(file, 'utf8')), 'run `node packages/core-ir/scripts/write-schema.mjs`').toEqual(planJsonSchema());
  });

  const edited = (change: (json: Record<string, never> & Plan) => void): string => {
    const json = JSON.parse(serializePlan(plan));
    change(json);
    return JSON.stringify(json);
  };
  it.each<[string, () => string, RegExp]>([
    ['no JSON', () => '{"format":', /^p\.json: this is no JSON/],
    ['another file', () => '{"name":"x"}', /^p\.json: this is no plan: it has no format$/],
    ['null', () => 'null', /^p\.json: this is no plan/],
    ['another version', () => '{"format":"regrain.plan/2"}', /^p\.json: format "regrain.plan\/2" is not regrain.plan\/1$/],
    [
      'a box of text',
      () => edited((json) => Object.assign(json.decomposition.regions[3], { box: 'all' })),
      /^p\.json: decomposition\.regions\[3\]\.box: expected array/,
    ],
    [
      'a box of another rank',
      () => edited((json) => Object.assign(json.decomposition.regions[3], { box: [[0, 1]] })),
      /^p\.json: decomposition\.regions\[3\]\.box: a box of rank 2/,
    ],
    [
      'an unknown key',
      () => edited((json) => Object.assign(json.placements[0], { ofset: 1 })),
      /^p\.json: placements\[0\]: unknown key "ofset"; did you mean "offset"\?/,
    ],
    [
      'an instance that is not there',
      () => edited((json) => Object.assign(json.decomposition.regions[0], { instance: 99 })),
      /regions\[0\]\.instance: there is no instance 99/,
    ],
    [
      'a placement of nothing',
      () => edited((json) => Object.assign(json.placements[0], { region: undefined })),
      /placements\[0\]: it needs region or scratch/,
    ],
    [
      'a step of an unknown task',
      () => edited((json) => Object.assign(json.steps[2], { task: 999 })),
      /steps\[2\]\.task: there is no task 999/,
    ],
    [
      'a number for a name',
      () => edited((json) => Object.assign(json.program.tensors[1], { name: 1 })),
      /program\.tensors\[1\]\.name: expected string/,
    ],
    [
      'an expression of nonsense',
      () => edited((json) => Object.assign(json.program.operations[0].operands[0].map[0] as object, { at: ['-', 1, 2] })),
      /program\.operations\[0\]\.operands\[0\]\.map\[0\]/,
    ],
  ])('refuses %s in one line that names the place', (_, text, message) => {
    let failure: Error | undefined;
    try {
      parsePlan(text(), 'p.json');
    } catch (error) {
      failure = error as Error;
    }
    expect(failure).toMatchObject({ code: 'bad-input' });
    expect(failure?.message).toMatch(message);
    expect(failure?.message).not.toContain('\n');
  });
});

describe('constants', () => {
  it('are checked by their digests', async () => {
    const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    const tensor = {
      name: 'w',
      shape: [4],
      dtype: 'int8',
      kind: 'constant',
      data: { offset: 4, sha256: await sha256Of(bytes.subarray(4)) },
    } as const;
    const program = { ...plan.program, tensors: [tensor] };
    await expect(checkConstants(program, bytes)).resolves.toBeUndefined();
    await expect(checkConstants(program, bytes.with(5, 9), 'p.bin')).rejects.toThrow(/^p\.bin: w is not what the plan was made with/);
    await expect(checkConstants(program, bytes.subarray(0, 6), 'p.bin')).rejects.toThrow('p.bin: w needs bytes 4 to 8, but there are 6');
  });
});

describe('liveProfile', () => {
  it('counts bytes that a write takes over once', () => {
    const place = (region: number, offset: number, first: number, last: number) => ({
      holds: { region },
      space: 0,
      offset,
      bytes: 8,
      first,
      last,
    });
    const live = liveProfile(
      { ...plan, steps: plan.steps.slice(0, 3), placements: [place(0, 0, 0, 2), place(1, 0, 2, 4), place(2, 8, 1, 1)] },
      0,
    );
    expect([...live]).toEqual([8, 16, 8, 8, 8]);
  });

  it('peaks at the metric', () => {
    expect(Math.max(...liveProfile(plan, 0))).toBe(plan.metrics.peakBytes[0]);
  });
});
