import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { example, json, regrain } from './regrain.js';

const MODEL = example('models', 'kws_ref_model_qdq.onnx');

interface Part {
  readonly bytes: number;
  readonly share: number;
}
interface Peak {
  readonly schema: string;
  readonly at: { readonly time: number; readonly task: string; readonly bytes: number };
  readonly next?: { readonly time: number; readonly bytes: number };
  readonly arenaBytes: number;
  readonly parts: {
    readonly regions: readonly (Part & { readonly tensor: string; readonly region?: number })[];
    readonly tensors: readonly (Part & { readonly tensor: string; readonly since: number; readonly until: number })[];
    readonly operations: readonly Part[];
  };
  readonly gaps: readonly { readonly gapBytes: number }[];
  readonly levers: readonly { readonly tensor: string; readonly without: { readonly bytes: number } }[];
  readonly advice: readonly { readonly bytes: number; readonly planned: boolean; readonly command?: string; readonly helps: boolean }[];
}
interface PlanFile {
  readonly program: { readonly tensors: readonly { readonly name: string; readonly kind: string }[] };
  readonly decomposition: {
    readonly instances: readonly { readonly tensor: number }[];
    readonly regions: readonly { readonly instance: number }[];
  };
  readonly steps: readonly unknown[];
  readonly placements: readonly {
    readonly region?: number;
    readonly offset: number;
    readonly bytes: number;
    readonly first: number;
    readonly last: number;
  }[];
  readonly metrics: { readonly peakBytes: readonly number[]; readonly arenaBytes: readonly number[] };
  readonly trials: readonly { readonly kept: boolean; readonly effect?: object }[];
  readonly made?: Readonly<Record<string, { readonly id: string }>>;
}

let folder: string;
let out: string;
let plan: PlanFile;
let peak: Peak;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrain-explain-'));
  out = join(folder, 'plan');
  expect(regrain(['compile', MODEL, '--out', out]).code).toBe(0);
  plan = JSON.parse(readFileSync(join(out, 'plan.json'), 'utf8')) as PlanFile;
  peak = json<Peak>(['explain', out]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Addresses that something holds at a time: bytes that are taken over in place count once. */
function held(time: number): number {
  const bytes = new Set<number>();
  for (const { offset, bytes: length, first, last } of plan.placements)
    if (first <= time && time <= last) for (let b = 0; b < length; b++) bytes.add(offset + b);
  return bytes.size;
}

function tensorName({ region }: PlanFile['placements'][number]): string {
  const { instances, regions } = plan.decomposition;
  return region === undefined ? '' : plan.program.tensors[instances[regions[region].instance].tensor].name;
}

describe('explain --peak', () => {
  it('is made of parts that sum to the peak, which is the metric and a count of addresses', () => {
    expect(peak.schema).toBe('regrain.explain/1');
    expect(peak.at.bytes).toBe(plan.metrics.peakBytes[0]);
    expect(held(peak.at.time)).toBe(peak.at.bytes);
    for (const list of [peak.parts.regions, peak.parts.tensors, peak.parts.operations])
      expect(list.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(peak.at.bytes);
    expect(peak.arenaBytes).toBe(plan.metrics.arenaBytes[0]);
    expect(peak.gaps[0].gapBytes).toBe(peak.arenaBytes - peak.at.bytes);
  });

  it('finds the second moment: the highest at which nothing of the peak lives', () => {
    const there = new Set(peak.parts.tensors.map(({ tensor }) => tensor));
    const lives = (name: string, time: number): boolean =>
      plan.placements.some((each) => tensorName(each) === name && each.first <= time && time <= each.last);
    const times = Array.from({ length: plan.steps.length + 2 }, (_, t) => t);
    const telling = [...there].filter((name) => !times.every((time) => lives(name, time)));
    const free = times.filter((time) => !telling.some((name) => lives(name, time)));
    expect(peak.next?.bytes).toBe(Math.max(...free.map(held)));
  });

  it('says what the peak would be without each tensor', () => {
    expect(peak.levers.length).toBeGreaterThan(0);
    for (const { tensor, without } of peak.levers) {
      const rest = plan.placements.filter((each) => tensorName(each) !== tensor);
      const live = (time: number): number => {
        const bytes = new Set<number>();
        for (const { offset, bytes: length, first, last } of rest)
          if (first <= time && time <= last) for (let b = 0; b < length; b++) bytes.add(offset + b);
        return bytes.size;
      };
      expect(without.bytes).toBe(Math.max(...Array.from({ length: plan.steps.length + 2 }, (_, t) => live(t))));
    }
  });

  it('knows the other accounting of the input as compile does', () => {
    const fromModel = json<Peak>(['explain', MODEL]);
    expect(fromModel.at).toEqual(peak.at);
    const { externalInput, streamedInput } = json<Record<string, { peakBytes: number }>>(['compile', MODEL]);
    const external = fromModel.advice.find(({ command }) => command?.includes('--input external'));
    expect(external).toMatchObject({ bytes: externalInput.peakBytes, planned: true });
    expect(external?.helps).toBe(streamedInput.peakBytes - externalInput.peakBytes > 0.01 * streamedInput.peakBytes);
  });

  it('shows a person the moment, the tables and what would lower it', () => {
    const { stdout, code, stderr } = regrain(['explain', MODEL]);
    expect(code).toBe(0);
    expect(stderr).toBe('');
    for (const text of ['The peak is at step', 'still needed by', 'kept for', 'largest regions', 'would lower it'])
      expect(stdout).toContain(text);
  });

  it('really plans the alternatives with --try', () => {
    const { tried } = json<{ tried: readonly { flags: string; peakBytes: number }[] }>(['explain', MODEL, '--try', '--adjust', 'none']);
    const [{ flags, peakBytes }] = tried;
    const summary = json<{ streamedInput: { peakBytes: number }; externalInput: { peakBytes: number } }>([
      'compile',
      MODEL,
      '--adjust',
      'none',
      ...flags.split(' '),
    ]);
    expect(peakBytes).toBe((flags.includes('external') ? summary.externalInput : summary.streamedInput).peakBytes);
    const refused = regrain(['explain', out, '--try']);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
  });

  it('keeps the flags in its commands, and puts no tensor into flash', () => {
    const flags = ['--target', 'cortex-m7-f746', '--capacity', 'sram=65536'];
    const { advice } = json<Peak>(['explain', MODEL, ...flags, '--input', 'resident']);
    const commands = advice.flatMap(({ command }) => (command?.startsWith('regrain') ? [command] : []));
    expect(commands.length).toBeGreaterThan(0);
    for (const command of commands) {
      expect(command).toContain(flags.join(' '));
      expect(command.match(/--input/g)).toHaveLength(1);
    }
    expect(JSON.stringify(advice)).not.toContain('flash');
  });

  it('works on a trace', () => {
    const { at, parts } = json<Peak>(['explain', example('traces', 'gemm-relu-blur.jsonl')]);
    expect(parts.tensors.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(at.bytes);
  });
});

describe('explain --tensor and --region', () => {
  it('tells who cut a tensor, who uses it, and what the adjuster tried on it', () => {
    const { tensor } = peak.parts.tensors[0];
    const regions = plan.decomposition.regions.filter(
      ({ instance }) => plan.program.tensors[plan.decomposition.instances[instance].tensor].name === tensor,
    ).length;
    const found = json<Record<string, unknown>>(['explain', out, '--tensor', tensor]);
    expect(found).toMatchObject({ schema: 'regrain.explain/1', tensor, decomposer: plan.made?.['decompose'] });
    expect(Number(found['regions']) + Number(found['replicas']) + Number(found['accumulators'])).toBe(regions);
    expect(found['atPeak']).toMatchObject({ bytes: peak.parts.tensors[0].bytes });
    expect(regrain(['explain', out, '--tensor', tensor]).stdout).toContain(`by `);
    const observed = json<{ usage: { contention?: number } }>(['explain', MODEL, '--tensor', tensor]);
    expect(observed.usage.contention).toBeGreaterThanOrEqual(0);
  });

  it('records in the plan what every trial did', () => {
    const adjusted = join(folder, 'adjusted');
    expect(regrain(['compile', example('models', 'mnist_opt.onnx'), '--out', adjusted]).code).toBe(0);
    const { trials, program } = JSON.parse(readFileSync(join(adjusted, 'plan.json'), 'utf8')) as PlanFile;
    expect(trials.length).toBeGreaterThan(0);
    for (const { effect } of trials)
      expect(effect).toMatchObject({ before: { peakBytes: expect.any(Number), cycles: expect.any(Number) } });
    const touched = program.tensors.flatMap(({ name, kind }) =>
      kind === 'computed'
        ? json<{ rounds: readonly { edits: number; batch: number }[] }>(['explain', adjusted, '--tensor', name]).rounds
        : [],
    );
    expect(touched.length).toBeGreaterThan(0);
  });

  it('tells where a region lies and who touches it', () => {
    const region = peak.parts.regions.find((part) => part.region !== undefined)?.region ?? -1;
    const found = json<{ placements: readonly object[]; reads: readonly number[]; writes: readonly number[] }>([
      ...['explain', out, '--region', String(region)],
    ]);
    const placed = plan.placements.filter((each) => each.region === region);
    expect(found.placements).toEqual(
      placed.map(({ offset, bytes, first, last }) => expect.objectContaining({ offset, bytes, since: first, until: last })),
    );
    for (const time of [...found.reads, ...found.writes])
      expect(placed.some(({ first, last }) => first <= time && time <= last)).toBe(true);
    expect(regrain(['explain', out, '--region', String(region)]).stdout).toContain(`Region ${region}`);
  });
});

describe('what explain refuses', () => {
  const refused = (args: readonly string[], says: RegExp): void => {
    const { code, stdout, stderr } = regrain(['explain', ...args]);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(says);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  };

  it('an unknown tensor, suggesting the nearest', () => {
    const { tensor } = peak.parts.tensors[0];
    refused([out, '--tensor', `${tensor}0`], /^regrain: unknown tensor ".*"; did you mean "/);
  });

  it('a region that is not there, and both at once', () => {
    refused([out, '--region', '999999'], /^regrain: there is no region 999999: .* has \d+, from 0 to \d+/);
    refused([out, '--region', '0', '--tensor', 'x'], /cannot be used with/);
  });

  it('a file that is no plan, a folder without one, and flags for a model on a plan', () => {
    const file = join(folder, 'no.json');
    writeFileSync(file, '{"format":"other"}');
    refused([file], /no\.json: .*regrain\.plan\/1/);
    refused([folder], /holds no plan\.json/);
    refused([out, '--target', 'cpu'], /--target is for a model/);
    refused([join(folder, 'missing.onnx')], /missing\.onnx/);
  });

  it('a plan of an earlier version is explained, without what it does not record', () => {
    const { made, trials, ...rest } = plan;
    const file = join(folder, 'old.json');
    writeFileSync(file, JSON.stringify({ ...rest, trials: trials.map(({ effect, ...trial }) => trial) }));
    const { stdout, code } = regrain(['explain', file, '--tensor', peak.parts.tensors[0].tensor]);
    expect(code).toBe(0);
    expect(stdout).toContain('a decomposer that the plan does not name');
  });
});
