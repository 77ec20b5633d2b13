import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ModelFile, onnxFile } from './onnx-file.js';
import { example, regrain } from './regrain.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrain-bad-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const OUT = 'never-written';

/** The command must end with `code` and one line that holds every text of `says`, print nothing and leave no file. */
function refuses(args: readonly string[], says: readonly (string | RegExp)[], code = 2): void {
  const before = readdirSync(folder).sort();
  const ended = regrain(args, { cwd: folder, node: ['--max-old-space-size=512'] });
  const lines = ended.stderr.trimEnd().split('\n');
  expect(lines, ended.stderr).toHaveLength(1);
  expect(lines[0]).toMatch(/^regrain: /);
  for (const text of says) expect(lines[0]).toMatch(text);
  expect(ended.stderr).not.toMatch(/\n\s+at /);
  expect(ended.stdout).toBe('');
  expect(ended.code, ended.stderr).toBe(code);
  expect(readdirSync(folder).sort()).toEqual(before);
}

const save = (name: string, content: Uint8Array | string): string => {
  writeFileSync(join(folder, name), content);
  return name;
};
const compile = (file: string): string[] => ['compile', file, '--out', OUT];
const model = (name: string, content: ModelFile): string => save(name, onnxFile(content));

describe('files that are no model', () => {
  const real = (): Uint8Array => readFileSync(example('models', 'mbv2_224_qdq.onnx'));

  it('missing, a folder, empty', () => {
    refuses(compile('nothing.onnx'), [/nothing\.onnx/, /no such file/]);
    mkdirSync(join(folder, 'folder.onnx'));
    refuses(compile('folder.onnx'), [/folder\.onnx/, /folder/]);
    refuses(compile(save('empty.onnx', '')), [/empty\.onnx/, /empty/]);
  });

  it('truncated', () => {
    refuses(compile(save('half.onnx', real().subarray(0, 1_900_000))), [/half\.onnx/]);
    refuses(compile(save('head.onnx', real().subarray(0, 100))), [/head\.onnx/]);
  });

  it('random bytes, text, and names that say nothing', () => {
    const noise = Uint8Array.from({ length: 5000 }, (_, i) => (i * 2654435761) >>> 13);
    refuses(compile(save('noise.onnx', noise)), [/noise\.onnx/]);
    refuses(compile(save('text.onnx', 'this is no model\n')), [/text\.onnx/]);
    refuses(compile(save('model.tflite', noise)), [/model\.tflite/]);
  });
});

describe('models that are wrong', () => {
  it('a cycle', () => {
    const nodes = [
      { type: 'Add', inputs: ['x', 'b'], outputs: ['a'] },
      { type: 'Relu', inputs: ['a'], outputs: ['b'] },
      { type: 'Relu', inputs: ['b'], outputs: ['y'] },
    ];
    refuses(compile(model('cycle.onnx', { nodes })), [/cycle\.onnx/, /cycle/]);
  });

  it('a tensor that nobody makes', () => {
    const nodes = [{ type: 'Add', inputs: ['x', 'ghost'], outputs: ['y'] }];
    refuses(compile(model('missing.onnx', { nodes })), [/missing\.onnx/, /ghost/]);
  });

  it('an operator that nobody knows', () => {
    const nodes = [{ type: 'Frobnicate', inputs: ['x'], outputs: ['y'] }];
    refuses(compile(model('operator.onnx', { nodes })), [/Frobnicate/, /node0/, /plugin/]);
  });

  it.each([
    ['negative', [1, -4, 8, 8]],
    ['huge', [1, 4, 2 ** 40, 2 ** 40]],
  ])('a %s dimension', (kind, dims) => {
    refuses(compile(model(`${kind}.onnx`, { inputs: [{ name: 'x', dims }] })), [new RegExp(`${kind}\\.onnx`), /x/]);
  });

  it('an open dimension, naming it', () => {
    const path = model('open.onnx', { inputs: [{ name: 'x', dims: ['batch', 4, 8, 8] }] });
    refuses(compile(path), [/batch/, /--dim/]);
    expect(regrain(['compile', path, '--dim', 'batch=1', '--json'], { cwd: folder }).code).toBe(0);
    expect(regrain(['compile', path, '--shape', 'x=1,4,8,8', '--json'], { cwd: folder }).code).toBe(0);
  });

  it('types that do not go together', () => {
    const inputs = [
      { name: 'x', dims: [4] },
      { name: 'z', dims: [4], type: 7 },
    ];
    const nodes = [{ type: 'Add', inputs: ['x', 'z'], outputs: ['y'] }];
    refuses(compile(model('types.onnx', { inputs, nodes })), [/types\.onnx/, /int64|float32/]);
  });

  it('an initialiser that is shorter than its shape', () => {
    const nodes = [{ type: 'Add', inputs: ['x', 'w'], outputs: ['y'] }];
    const initializers = [{ name: 'w', dims: [1, 4, 8, 8], raw: new Uint8Array(12) }];
    refuses(compile(model('short.onnx', { nodes, initializers })), [/short\.onnx/, /w/, /12/]);
  });
});

describe('external data', () => {
  const nodes = [{ type: 'Add', inputs: ['x', 'w'], outputs: ['y'] }];
  const external = (name: string, location: string, extra: Readonly<Record<string, string>> = {}): string =>
    model(name, { nodes, initializers: [{ name: 'w', dims: [1, 4, 8, 8], external: { location, ...extra } }] });

  it('missing', () => refuses(compile(external('absent.onnx', 'absent.bin')), [/absent\.bin/]));
  it('above the model', () => refuses(compile(external('up.onnx', '../up.bin')), [/\.\.\/up\.bin/]));
  it('at an absolute path', () => refuses(compile(external('absolute.onnx', '/etc/hostname')), [/\/etc\/hostname/]));

  it('behind a link that leads outside', () => {
    symlinkSync('/etc', join(folder, 'link'));
    refuses(compile(external('link.onnx', 'link/hostname')), [/link\/hostname/]);
  });

  it('shorter than its tensor', () => {
    save('little.bin', new Uint8Array(16));
    refuses(compile(external('little.onnx', 'little.bin')), [/little\.bin/]);
    refuses(compile(external('beyond.onnx', 'little.bin', { offset: '999999999999' })), [/little\.bin/]);
  });
});

describe('configs and options', () => {
  const relu = (): string => model('relu.onnx', {});
  const config = (name: string, body: string): string => save(name, `export default ${body};\n`);

  it('an unknown plugin, with the nearest', () => {
    refuses([...compile(relu()), '--schedule', 'min-pek'], [/min-pek/, /min-peak/]);
    refuses([...compile(relu()), '--target', 'cpuu'], [/cpuu/, /"?cpu"?/]);
    refuses([...compile(relu()), '--objective', 'peek'], [/peek/, /peak/]);
    refuses([...compile(relu()), '--config', config('plugin.mjs', `{ pipeline: { decompose: 'bandz' } }`)], [/bandz/, /bands/]);
  });

  it('an unknown option of a plugin, a wrong type, an unknown key', () => {
    const file = config('option.mjs', `{ pipeline: { decompose: { id: 'bands', options: { hieght: 4 } } } }`);
    refuses([...compile(relu()), '--config', file], [/bands/, /hieght/]);
    refuses([...compile(relu()), '--config', config('type.mjs', `{ pipeline: { iterations: 'many' } }`)], [/type\.mjs/, /iterations/]);
    refuses([...compile(relu()), '--config', config('key.mjs', `{ pipline: {} }`)], [/key\.mjs/, /pipline/]);
  });

  it('a config that is missing, or fails', () => {
    refuses([...compile(relu()), '--config', 'none.ts'], [/none\.ts/]);
    refuses([...compile(relu()), '--config', save('throws.mjs', 'throw new Error("boom");\n')], [/throws\.mjs/, /boom/]);
    refuses([...compile(relu()), '--config', save('syntax.mjs', 'export default {\n')], [/syntax\.mjs/]);
  });

  it('options and commands that do not exist', () => {
    refuses([...compile(relu()), '--jsn'], [/--jsn/, /--json/]);
    refuses(['compil', relu()], [/compil/, /compile/]);
    refuses(['compile'], [/model/]);
    refuses([...compile(relu()), '--capacity', 'sram'], [/capacity/, /SPACE=BYTES/]);
    refuses([...compile(relu()), '--input', 'steamed'], [/steamed/, /streamed/]);
    refuses([...compile(relu()), '--seed', 'x'], [/seed/]);
  });

  it('a capacity of a space that the target does not have', () => {
    refuses([...compile(relu()), '--target', 'cortex-m7-f746', '--capacity', 'srm=1k'], [/srm/, /sram/]);
  });

  it('a file in place of the folder to write', () => {
    save('taken', '');
    refuses(['compile', relu(), '--out', 'taken'], [/taken/, /folder/]);
  });
});

describe('a capacity that cannot be met', () => {
  it('ends with 1 and tells the space, required, available, excess, task and what the peak is made of', () => {
    const args = [...compile(example('models', 'mnist_opt.onnx')), '--capacity', 'memory=100'];
    refuses(args, [/memory/, /100 bytes/, /required/, /too many/, /first at task/, /peak is made of/], 1);
  });

  it('and is below the proven bound ends with 1 and tells the bound', () => {
    const args = [...compile(model('relu2.onnx', {})), '--capacity', 'memory=10'];
    refuses(args, [/memory/, /10 bytes/, /at least 1024 at once/, /proven bound/, /1014 too many/], 1);
  });
});

describe('plans', () => {
  it('that are no plans', () => {
    refuses(['verify', 'none.json'], [/none\.json/]);
    refuses(['verify', save('broken.json', '{"format":')], [/broken\.json/]);
    refuses(['verify', save('other.json', '{"format":"regrain.plan/9"}')], [/other\.json/, /regrain\.plan\/1/]);
    refuses(['verify', save('list.json', '[]')], [/list\.json/]);
  });
});

describe('traces and tables', () => {
  const head = '{"format":"regrain.trace/1","tensors":[{"name":"A","shape":[8,8],"dtype":"float32"}]}\n';

  it('name the line', () => {
    const outside = `${head}{"op":"x","reads":[["A",[[0,9],[0,8]]]],"writes":[],"accumulates":[]}\n`;
    refuses(['deps', save('outside.jsonl', outside)], [/outside\.jsonl/, /2/]);
    refuses(['deps', save('cut.jsonl', `${head}{"op":"x","rea`)], [/cut\.jsonl/, /2/]);
    refuses(['deps', save('unknown.jsonl', `${head}{"op":"x","reads":[["B",[[0,1],[0,1]]]],"writes":[]}\n`)], [/unknown\.jsonl/, /B/]);
    refuses(['allocate', save('cells.csv', 'id,lower,upper,size\na,0,1,4\nb,0,many,4\n')], [/cells\.csv:3/, /upper/, /many/]);
  });

  it('an unknown suite of benchmarks', () => refuses(['bench', 'memry'], [/memry/, /memory/]));

  it('an unknown analyzer or allocator', () => {
    refuses(['deps', save('fine.jsonl', head), '--analyzer', 'pairwize'], [/pairwize/, /pairwise/]);
    const csv = save('fine.csv', 'id,lower,upper,size\na,0,1,4\n');
    refuses(['allocate', csv, '--allocator', 'best-fitt'], [/best-fitt/, /best-fit/]);
  });
});
