import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeModel } from '../src/schema.js';

/** Fields of the model as its protocol buffers name them. */
export type Fields = Readonly<Record<string, unknown>>;

/** A float input or output; a string is a symbolic dimension. */
export function info(name: string, dims: readonly (number | string)[], type = 1): Fields {
  const dim = dims.map((extent) => (typeof extent === 'string' ? { dim_param: extent } : { dim_value: extent }));
  return { name, type: { tensor_type: { elem_type: type, shape: { dim } } } };
}

export function node(op_type: string, input: readonly string[], output: readonly string[], more: Fields = {}): Fields {
  return { op_type, input, output, name: `${op_type}:${output[0]}`, ...more };
}

export function floats(name: string, dims: readonly number[], data: readonly number[]): Fields {
  return { name, dims, data_type: 1, float_data: data };
}

export function integers(name: string, data: readonly number[], dims: readonly number[] = [data.length]): Fields {
  return { name, dims, data_type: 7, int64_data: data };
}

/** A model of one graph, operator set 13 unless said otherwise. */
export function model(graph: Fields, opset = 13): Uint8Array {
  return encodeModel({ ir_version: 8, opset_import: [{ domain: '', version: opset }], graph: { name: 'g', ...graph } });
}

/** A folder of its own for the time of `run`. */
export function inFolder<T>(run: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'regrain-'));
  try {
    return run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The path of a file with these bytes, inside `folder`. */
export function write(folder: string, bytes: Uint8Array, name = 'model.onnx'): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}
