import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Values } from '@regrain/core-ir';
import { hasRelaxedSimd, load, memoryBytesOf } from '@regrain/hw-wasm/runtime';
import { afterAll, describe, expect, it } from 'vitest';
import { formatNpy, parseNpy } from '../src/execute/npy.js';
import { onnxFile } from './onnx-file.js';
import { regrain } from './regrain.js';

const models = new URL('../../../examples/models/', import.meta.url).pathname;
const kws = join(models, 'kws_ref_model_qdq.onnx');
const mnist = join(models, 'mnist_opt.onnx');
const folder = mkdtempSync(join(tmpdir(), 'regrain-run-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const npy = (name: string, values: Values): string => {
  const path = join(folder, name);
  writeFileSync(path, formatNpy(values));
  return path;
};
const image = (fill: number): Values => ({ dtype: 'float32', shape: [1, 1, 28, 28], data: new Float32Array(784).fill(fill) });
/** The one line that went to stderr. */
const complaint = ({ code, stderr }: { code: number | null; stderr: string }): string => {
  expect(code).toBe(2);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  return stderr;
};

describe('run', () => {
  it.each([
    ['kws_ref_model_qdq', 0],
    ['ad01_int8_qdq', 0],
    ['mnist_opt', 1e-5],
  ])('%s computes what ONNX Runtime does, whatever was in the arena', (model, tolerance) => {
    const { code, stdout } = regrain(['run', join(models, `${model}.onnx`), '--check', '--poison', '--runs', '2', '--json']);
    expect(code).toBe(0);
    const { check, runs, arenaBytes, outputs } = JSON.parse(stdout);
    expect(runs).toBe(2);
    expect(arenaBytes).toBeGreaterThan(0);
    expect(outputs[0].shape.length).toBeGreaterThan(0);
    expect(check.passed).toBe(true);
    if (tolerance === 0) expect(check.mismatches).toBe(0);
    else expect(check.maxRelError).toBeLessThan(tolerance);
  });

  it.each([mnist, kws])('%s gives the same bytes by regions, by whole tensors and again', (model) => {
    const [regions, again, whole] = ['regions', 'again', 'whole'].map((name) => join(folder, name, model.replace(/.*\//, '')));
    for (const out of [regions, again]) expect(regrain(['run', model, '--runs', '1', '--out', out]).code).toBe(0);
    expect(regrain(['run', model, '--runs', '1', '--decompose', 'whole-tensor', '--iterations', '0', '--out', whole]).code).toBe(0);
    const name = model === mnist ? 'Plus214_Output_0.npy' : 't34.npy';
    const bytes = readFileSync(join(regions, name));
    expect(readFileSync(join(again, name)).equals(bytes)).toBe(true);
    expect(readFileSync(join(whole, name)).equals(bytes)).toBe(true);
  });

  it('takes inputs from files; what is not a number stays none', () => {
    const input = `Input3=${npy('nan.npy', image(Number.NaN))}`;
    expect(regrain(['run', mnist, '--runs', '1', '--input', input, '--out', join(folder, 'nan')]).code).toBe(0);
    const { data, shape } = parseNpy(readFileSync(join(folder, 'nan', 'Plus214_Output_0.npy')), 'nan');
    expect(shape).toEqual([1, 10]);
    expect(Array.from(data).every(Number.isNaN)).toBe(true);
  });

  it.each([
    ['not a number', Number.NaN],
    ['infinite', Number.POSITIVE_INFINITY],
    ['negative infinite', Number.NEGATIVE_INFINITY],
  ])('one element that is %s spreads as ONNX Runtime lets it', (name, value) => {
    const data = new Float32Array(784);
    data[300] = value;
    const input = `Input3=${npy(`${name.replaceAll(' ', '-')}.npy`, { ...image(0), data })}`;
    const { code, stdout } = regrain(['run', mnist, '--runs', '1', '--input', input, '--check', '--json']);
    expect(JSON.parse(stdout).check).toMatchObject({ passed: true });
    expect(code).toBe(0);
  });

  it.each(['--profile', '--poison'])('refuses %s on several threads before it plans', (option) => {
    const { stderr, stdout, code } = regrain(['run', kws, option, '--threads', '2']);
    expect(stderr).toBe(`regrain: ${option} works on one thread; leave --threads out\n`);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });

  it('shows where the time goes, and as a trace', () => {
    const out = join(folder, 'profile');
    const { stdout, code } = regrain(['run', kws, '--runs', '1', '--profile', '--out', out]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/QConv \(contraction\)/);
    expect(stdout).toMatch(/QSoftmax \(generic\)/);
    expect(JSON.parse(readFileSync(join(out, 'trace.json'), 'utf8')).traceEvents.length).toBeGreaterThan(100);
  });

  it.each([
    ['an unknown input', () => `Bild=${npy('a.npy', image(0))}`, /no such input; it has Input3/],
    [
      'a wrong shape',
      () => `Input3=${npy('b.npy', { ...image(0), shape: [1, 28, 28] })}`,
      /float32 \[1, 28, 28\]; input Input3 is float32 \[1, 1, 28, 28\]/,
    ],
    ['a wrong type', () => `Input3=${npy('c.npy', { ...image(0), dtype: 'int32' })}`, /int32 \[1, 1, 28, 28\]; input Input3 is float32/],
    ['another format', () => `Input3=${mnist}`, /not a \.npy file/],
    ['no file', () => `Input3=${join(folder, 'none.npy')}`, /no such file/],
  ])('refuses %s', (_, input, message) => {
    expect(complaint(regrain(['run', mnist, '--input', input()]))).toMatch(message);
  });
});

describe('run on a plan', () => {
  const plan = join(folder, 'plan');
  const copy = (name: string): string => {
    const to = join(folder, name);
    cpSync(plan, to, { recursive: true });
    return to;
  };

  it('needs neither the model nor the compiler', () => {
    expect(regrain(['compile', kws, '--target', 'wasm', '--out', plan]).code).toBe(0);
    const { code, stdout } = regrain(['run', plan, '--runs', '1', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ target: 'wasm', outputs: [{ name: 't34', dtype: 'int8', shape: [1, 12] }] });
  });

  it('says at once which operation no kernel computes, where nothing else does', async () => {
    const model = join(folder, 'hardmax.onnx');
    const opaque = join(folder, 'hardmax');
    writeFileSync(model, onnxFile({ nodes: [{ type: 'Hardmax', inputs: ['x'], outputs: ['y'] }] }));
    const { stdout } = regrain(['run', model, '--runs', '1', '--profile', '--check']);
    expect(stdout).toMatch(/Hardmax \(operator set's definition\)/);
    expect(stdout).toMatch(/agrees with ONNX Runtime/);
    expect(regrain(['compile', model, '--target', 'wasm', '--out', opaque]).code).toBe(0);
    const bytes = (name: string): Buffer => readFileSync(join(opaque, name));
    const files = {
      plan: bytes('plan.json').toString('utf8'),
      constants: bytes('plan.bin'),
      module: bytes('plan.wasm'),
      manifest: bytes('plan.wasm.json').toString('utf8'),
      data: bytes('plan.wasm.bin'),
    };
    expect(memoryBytesOf(files)).toBeGreaterThan(files.data.length);
    await expect(load(files)).rejects.toThrow(/no kernel computes .* \(Hardmax\); give load an evaluateOpaque/);
  });

  it('makes the module anew where only the plan is there', () => {
    const bare = copy('bare');
    for (const name of ['plan.wasm', 'plan.wasm.json', 'plan.wasm.bin']) rmSync(join(bare, name));
    expect(regrain(['run', bare, '--runs', '1']).code).toBe(0);
  });

  const edit = (at: string, name: string, change: (text: string) => string): void => {
    writeFileSync(join(at, name), change(readFileSync(join(at, name), 'utf8')));
  };

  const flip = (at: string, name: string): void => {
    const bytes = readFileSync(join(at, name));
    bytes[40] ^= 1;
    writeFileSync(join(at, name), bytes);
  };

  it('refuses a plan that was edited after its module was made', () => {
    const edited = copy('edited');
    edit(edited, 'plan.json', (text) => text.replace('"trials":', '"trials" :'));
    expect(complaint(regrain(['run', edited]))).toMatch(/made from another plan\.json; compile the model again/);
  });

  it('refuses a plan that no longer holds', () => {
    const edited = copy('broken');
    for (const name of ['plan.wasm', 'plan.wasm.json', 'plan.wasm.bin']) rmSync(join(edited, name));
    edit(edited, 'plan.json', (text) => {
      const json = JSON.parse(text);
      for (const placement of json.placements) placement[2] = 0;
      return JSON.stringify(json);
    });
    const { code, stderr } = regrain(['run', edited]);
    expect(code).toBeGreaterThan(0);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(/plan\.json/);
  });

  it.each([
    [
      'of another version',
      (at: string) => edit(at, 'plan.json', (text) => text.replace('regrain.plan/1', 'regrain.plan/9')),
      /regrain\.plan\/1/,
    ],
    [
      'of another module format',
      (at: string) => edit(at, 'plan.wasm.json', (text) => text.replace('regrain.wasm/3', 'regrain.wasm/1')),
      /compile the model again/,
    ],
    [
      'for another machine',
      (at: string) => edit(at, 'plan.json', (text) => text.replace('"name":"wasm"', '"name":"cpu"')),
      /a plan for cpu; compile the model with --target wasm/,
    ],
    ['whose model changed', (at: string) => flip(at, 'plan.bin'), /is not what the plan was made with/],
    ['whose module changed', (at: string) => flip(at, 'plan.wasm'), /plan\.wasm is not what plan\.wasm\.json belongs to/],
    ['whose packed constants changed', (at: string) => flip(at, 'plan.wasm.bin'), /plan\.wasm\.bin is not what .* belongs to/],
    [
      'whose addresses were edited',
      (at: string) => edit(at, 'plan.wasm.json', (text) => text.replace(/"dataAddress":\d+/, '"dataAddress":16')),
      /plan\.wasm\.json was edited; compile the model again/,
    ],
    ['of which nothing is left', (at: string) => edit(at, 'plan.wasm.json', () => '{"format":"regrain.wasm/3"}'), /is not whole/],
    ['whose manifest is no JSON', (at: string) => edit(at, 'plan.wasm.json', (text) => text.slice(0, 99)), /is not JSON/],
    ['without constants', (at: string) => rmSync(join(at, 'plan.bin')), /plan\.bin: no such file/],
  ])('refuses a plan %s', (name, spoil, message) => {
    const spoilt = copy(name.replaceAll(' ', '-'));
    spoil(spoilt);
    expect(complaint(regrain(['run', spoilt]))).toMatch(message);
  });

  it('says that --check needs the model', () => {
    expect(complaint(regrain(['run', plan, '--check']))).toMatch(/needs the model itself/);
  });
});

describe('fast arithmetic', () => {
  const fast = join(folder, 'fast');

  it('is near ONNX Runtime, too, and the same by regions and by whole tensors', () => {
    const outputs = ['bands', 'whole-tensor'].map((decompose) => {
      const out = join(folder, `fast-${decompose}`);
      const args = ['--math', 'fast', '--decompose', decompose, '--iterations', '0', '--runs', '1', '--check', '--poison', '--json'];
      const { code, stdout } = regrain(['run', mnist, ...args, '--out', out]);
      expect(code).toBe(0);
      expect(JSON.parse(stdout).check.maxRelError).toBeLessThan(1e-5);
      return readFileSync(join(out, 'Plus214_Output_0.npy'));
    });
    expect(outputs[1].equals(outputs[0])).toBe(true);
  });

  it('leaves integer models as they are', () => {
    const { code, stdout } = regrain(['run', kws, '--math', 'fast', '--runs', '1', '--check', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ scratchBytes: 0, check: { mismatches: 0 } });
  });

  it('goes along with a plan; a host without relaxed SIMD refuses it', async () => {
    expect(regrain(['compile', mnist, '--target', 'wasm', '--math', 'fast', '--out', fast]).code).toBe(0);
    expect(regrain(['run', fast, '--runs', '1']).code).toBe(0);
    const bytes = (name: string): Buffer => readFileSync(join(fast, name));
    const manifest = bytes('plan.wasm.json').toString('utf8');
    expect(JSON.parse(manifest)).toMatchObject({ relaxed: true });
    const files = {
      plan: bytes('plan.json').toString('utf8'),
      constants: bytes('plan.bin'),
      module: bytes('plan.wasm'),
      manifest,
      data: bytes('plan.wasm.bin'),
    };
    if (hasRelaxedSimd()) await (await load(files)).close();
    else await expect(load(files)).rejects.toThrow(/relaxed SIMD, which this host has not .*; compile with --math exact/);
  });

  it('is refused where nothing really runs', () => {
    expect(complaint(regrain(['compile', mnist, '--math', 'fast']))).toMatch(/target cpu has no option math/);
  });
});

describe('compile --tune', () => {
  it('lets real runs decide, and writes a plan that runs', () => {
    const tuned = join(folder, 'tuned');
    const { code, stdout } = regrain(['compile', mnist, '--target', 'wasm', '--tune', '--out', tuned, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ objective: 'time', verified: true });
    expect(regrain(['run', tuned, '--runs', '1']).code).toBe(0);
  });

  it('is refused where nothing really runs', () => {
    expect(complaint(regrain(['compile', mnist, '--tune']))).toMatch(/target cpu has no option measure: .* --target wasm does/);
  });
});
