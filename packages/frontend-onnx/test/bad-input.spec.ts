import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ErrorCode, type Freeze, RegrainError } from '@regrain/core-ir';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadOnnx } from '../src/onnx.js';
import { encodeModel } from '../src/schema.js';
import { type Fields, floats, inFolder, info, integers, model, node, write } from './test-model.js';

const example = join(import.meta.dirname, '../../../examples/models/mbv2_224_qdq.onnx');
const relu = { input: [info('x', [1, 4])], output: [info('y', [1, 4])], node: [node('Relu', ['x'], ['y'])] };

function errorOf(run: () => unknown): RegrainError {
  try {
    run();
  } catch (error) {
    if (error instanceof RegrainError) return error;
    throw error;
  }
  throw new Error('no error');
}

/** One line that names the file and says this. */
function refuses(bytes: Uint8Array, says: RegExp, code: ErrorCode = 'bad-input', freeze?: Freeze): void {
  inFolder((folder) => {
    const path = write(folder, bytes);
    const error = errorOf(() => loadOnnx(path, freeze));
    expect(error.message).toMatch(says);
    expect(error.message.startsWith(path)).toBe(true);
    expect(error.message).not.toContain('\n');
    expect(error.code).toBe(code);
  });
}

const dims = (given: Record<string, number>, shapes: Record<string, number[]> = {}): Freeze => ({ dims: given, shapes });

describe('files that are no models', () => {
  it('refuses a missing file and a folder', () => {
    inFolder((folder) => {
      expect(errorOf(() => loadOnnx(join(folder, 'no.onnx'))).message).toContain('no such file');
      expect(errorOf(() => loadOnnx(folder)).message).toContain('folder');
    });
  });

  it('refuses an empty file, text and zeros', () => {
    refuses(new Uint8Array(), /empty/);
    refuses(Buffer.from('this is not a model\n'), /no ONNX model/);
    refuses(new Uint8Array(1000), /no ONNX model/);
  });

  it('refuses random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) =>
        inFolder((folder) => {
          const path = write(folder, bytes);
          expect(errorOf(() => loadOnnx(path)).message.startsWith(path)).toBe(true);
        }),
      ),
      { numRuns: 200 },
    );
  });

  it('refuses every part of a model, and never fails otherwise when bytes are changed', () => {
    const whole = model({
      ...relu,
      node: [
        node('Reshape', ['x', 's'], ['z']),
        node('Conv', ['z', 'w'], ['y'], { attribute: [{ name: 'pads', ints: [1, 1, 1, 1], type: 7 }] }),
      ],
      initializer: [integers('s', [1, 1, 2, 2]), floats('w', [1, 1, 3, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9])],
      output: [info('y', [1, 1, 2, 2])],
    });
    const attempt = (bytes: Uint8Array): void =>
      inFolder((folder) => {
        const path = write(folder, bytes);
        try {
          loadOnnx(path);
        } catch (error) {
          if (!(error instanceof RegrainError)) throw error;
          expect(error.message.startsWith(path)).toBe(true);
        }
      });
    for (let length = 0; length < whole.length - 12; length++) attempt(whole.subarray(0, length));
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, value) => {
        const changed = Uint8Array.from(whole);
        changed[at] = value;
        attempt(changed);
      }),
      { numRuns: 1000 },
    );
  });

  it('refuses the first half of a real model', () => {
    const bytes = readFileSync(example);
    refuses(bytes.subarray(0, bytes.length >> 1), /no ONNX model, or a part of one/);
  });

  it('refuses groups within groups without exhausting the stack', () => {
    refuses(
      Uint8Array.from({ length: 1_000_000 }, () => 0x7b),
      /no ONNX model/,
    );
  });
});

describe('graphs', () => {
  it('names the nodes of a cycle', () => {
    const nodes = [node('Add', ['x', 'b'], ['a']), node('Relu', ['a'], ['b'])];
    refuses(model({ ...relu, node: nodes, output: [info('b', [1, 4])] }), /Add:a.*Relu:b.*cycle|Relu:b.*Add:a.*cycle/);
  });

  it('names a missing tensor and the node that reads it', () => {
    refuses(model({ ...relu, node: [node('Add', ['x', 'lost'], ['y'])] }), /Add:y \(Add\) reads tensor lost/);
    refuses(model({ ...relu, output: [info('lost', [1, 4])] }), /output lost/);
    refuses(model({ ...relu, output: [] }), /no output/);
  });

  it('refuses two writers and two definitions', () => {
    refuses(model({ ...relu, node: [node('Relu', ['x'], ['y']), node('Sigmoid', ['x'], ['y'])] }), /y is written twice/);
    refuses(model({ ...relu, input: [info('x', [1, 4]), info('x', [1, 5])] }), /input x .*twice/);
    refuses(model({ ...relu, initializer: [floats('c', [1], [1]), floats('c', [1], [2])] }), /c .*twice/);
  });

  it('accepts nodes out of order, and initialisers that are listed as inputs', () => {
    inFolder((folder) => {
      const graph = {
        ...relu,
        input: [info('x', [1, 4]), info('c', [1])],
        initializer: [floats('c', [1], [2])],
        node: [node('Relu', ['z'], ['y']), node('Add', ['x', 'c'], ['z'])],
      };
      const { program } = loadOnnx(write(folder, model(graph)));
      expect(program.tensors.filter(({ kind }) => kind === 'input').map(({ name }) => name)).toEqual(['x']);
      expect(program.name).toBe('model');
    });
  });

  it('says how to add an operator that is not known', () => {
    refuses(
      model({ ...relu, node: [node('Frobnicate', ['x'], ['y'], { domain: 'my.ops' })] }),
      /Frobnicate:y.*my\.ops\.Frobnicate.*13.*OperatorSet/,
      'unsupported',
    );
  });

  it('refuses control flow, old operator sets, wrong types and wrong shapes', () => {
    const branch = { attribute: [{ name: 'then_branch', type: 5 }] };
    refuses(model({ ...relu, node: [node('If', ['x'], ['y'], branch)] }), /If:y.*control flow/, 'unsupported');
    refuses(model(relu, 6), /operator set 6/, 'unsupported');
    refuses(model({ ...relu, input: [info('x', [1, 4], 8)] }), /input x/, 'unsupported');
    refuses(model({ ...relu, node: [node('Add', ['x', 'i'], ['y'])], initializer: [integers('i', [1, 2, 3, 4])] }), /Add:y/);
    refuses(model({ ...relu, node: [node('Add', ['x', 'c'], ['y'])], initializer: [floats('c', [3], [1, 2, 3])] }), /Add:y/);
    refuses(model({ ...relu, output: [info('y', [1, 5])] }), /output y .*\[1, 5\].*\[1, 4\]/);
  });
});

describe('sizes', () => {
  it('refuses negative and huge dimensions', () => {
    refuses(model({ ...relu, input: [info('x', [1, -4])] }), /input x .*-4/);
    refuses(model({ ...relu, input: [info('x', [2 ** 30, 2 ** 30])] }), /input x .*too large/);
    refuses(model({ ...relu, initializer: [floats('c', [-1], [])] }), /tensor c .*-1/);
    refuses(model({ ...relu, initializer: [floats('c', [2 ** 31, 2 ** 31], [])] }), /tensor c .*too large/);
    const shape = node('ConstantOfShape', ['s'], ['y']);
    refuses(model({ ...relu, node: [shape], initializer: [integers('s', [2 ** 30, 2 ** 30])] }), /too large/);
    refuses(
      model({ ...relu, node: [node('Expand', ['x', 's'], ['y'])], initializer: [integers('s', [2 ** 30, 2 ** 30, 4])] }),
      /too large/,
    );
  });

  it('refuses an initialiser that does not fill its shape, and one that overflows it', () => {
    refuses(model({ ...relu, initializer: [floats('c', [4], [1, 2])] }), /tensor c of shape \[4\] needs 4 values.* 2/);
    refuses(model({ ...relu, initializer: [{ name: 'c', dims: [4], data_type: 1, raw_data: new Uint8Array(20) }] }), /needs 16 bytes.* 20/);
    refuses(model({ ...relu, initializer: [floats('c', [2 ** 30], [1])] }), /needs 1073741824 values/);
  });

  it('asks for open dimensions by name, and suggests names', () => {
    const open = model({ ...relu, input: [info('x', ['batch', 4])], output: [info('y', ['batch', 4])] });
    refuses(open, /x\[0\] \(batch\).*--dim batch=N.*--shape x=/);
    refuses(open, /batc.*did you mean batch/, 'bad-input', dims({ batc: 1 }));
    refuses(open, /xx.*did you mean x/, 'bad-input', dims({}, { xx: [1, 4] }));
    refuses(open, /contradicts/, 'bad-input', dims({}, { x: [1, 5] }));
    refuses(open, /has 3 dimensions, the input has 2/, 'bad-input', dims({}, { x: [1, 4, 1] }));
    refuses(open, /batch/, 'bad-input', dims({ batch: -3 }));
    refuses(open, /batch/, 'bad-input', dims({ batch: 0 }));
    refuses(model({ ...relu, input: [info('x', ['toString', 4])] }), /x\[0\] \(toString\)/);
    inFolder((folder) => {
      const path = write(folder, open);
      expect(loadOnnx(path, dims({ batch: 3 })).program.tensors[0].shape).toEqual([3, 4]);
      expect(loadOnnx(path, dims({}, { x: [2, 4] })).program.tensors[0].shape).toEqual([2, 4]);
    });
  });
});

describe('external data', () => {
  const external = (entries: Record<string, string | number>): Uint8Array => {
    const external_data = Object.entries(entries).map(([key, value]) => ({ key, value: String(value) }));
    const weights: Fields = { name: 'c', dims: [4], data_type: 1, data_location: 1, external_data };
    return model({ ...relu, node: [node('Add', ['x', 'c'], ['y'])], initializer: [weights] });
  };

  it('is read from beside the model', () => {
    inFolder((folder) => {
      writeFileSync(join(folder, 'w.bin'), new Uint8Array(new Float32Array([9, 1, 2, 3, 4]).buffer));
      const { constants } = loadOnnx(write(folder, external({ location: 'w.bin', offset: 4, length: 16 })));
      expect([...new Float32Array(constants.buffer, constants.byteOffset, 4)]).toEqual([1, 2, 3, 4]);
    });
  });

  it('is never read from elsewhere', () => {
    refuses(external({ location: 'missing.bin' }), /missing\.bin, which does not exist/);
    refuses(external({ location: '/etc/hostname' }), /absolute/);
    refuses(external({ location: '../w.bin' }), /outside/);
    refuses(external({ location: 'a/../../w.bin' }), /outside/);
    refuses(external({ location: 'model.onnx', length: 8 }), /needs 16 bytes/);
    refuses(external({ location: 'model.onnx', offset: 1000 }), /needs bytes 1000 to 1016/);
    refuses(external({ location: 'model.onnx', offset: -8 }), /offset -8/);
    refuses(external({ location: '.' }), /no file/);
    refuses(external({ location: 'a\0b' }), /does not exist/);
  });

  it('does not follow a link out of the folder', () => {
    inFolder((folder) => {
      const inside = join(folder, 'model');
      mkdirSync(inside);
      writeFileSync(join(folder, 'secret.bin'), new Uint8Array(64));
      symlinkSync(join(folder, 'secret.bin'), join(inside, 'w.bin'));
      const path = write(inside, external({ location: 'w.bin' }));
      expect(errorOf(() => loadOnnx(path)).message).toContain('a link that leads outside');
    });
  });
});

it('refuses a file without a graph', () => {
  refuses(encodeModel({ ir_version: 8 }), /no ONNX model/);
});
