import { createRequire } from 'node:module';
import type { DType, Values } from '@regrain/core-ir';
import { CODES, encode } from './onnx-proto.js';

// onnxruntime-node is CommonJS; a plain require keeps the bundler's transforms away from its native part.
const ort = createRequire(import.meta.url)('onnxruntime-node') as typeof import('onnxruntime-node');

export interface TestNode {
  readonly type: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, unknown>>;
}

export interface TestModel {
  readonly nodes: readonly TestNode[];
  readonly inputs: Readonly<Record<string, Values>>;
  readonly initializers?: Readonly<Record<string, Values>>;
  readonly outputs: readonly string[];
  readonly opset?: number;
}

/** The bytes of a model; an attribute with a fraction is a float, `{ float }` forces one. */
export function modelBytes(model: TestModel): Uint8Array {
  return encode('Model', {
    ir_version: 8,
    opset_import: [{ domain: '', version: model.opset ?? 18 }],
    graph: {
      name: 'test',
      node: model.nodes.map((node, i) => ({
        name: `${node.type}_${i}`,
        op_type: node.type,
        input: node.inputs,
        output: node.outputs,
        attribute: Object.entries(node.attributes ?? {}).map(([name, value]) => ({ name, ...attribute(value) })),
      })),
      initializer: Object.entries(model.initializers ?? {}).map(([name, values]) => tensorProto(name, values)),
      input: Object.entries(model.inputs).map(([name, { dtype, shape }]) => ({
        name,
        type: { tensor_type: { elem_type: CODES[dtype], shape: { dim: shape.map((dim_value) => ({ dim_value })) } } },
      })),
      // Their types are inferred.
      output: model.outputs.map((name) => ({ name })),
    },
  });
}

function attribute(value: unknown): object {
  if (typeof value === 'number') return Number.isInteger(value) ? { i: value, type: 2 } : { f: value, type: 1 };
  if (typeof value === 'string') return { s: Buffer.from(value), type: 3 };
  if (Array.isArray(value)) {
    if (typeof value[0] === 'string') return { strings: value.map((text) => Buffer.from(String(text))), type: 8 };
    return { ints: value, type: 7 };
  }
  if (typeof value === 'object' && value !== null && 'float' in value) return { f: value.float, type: 1 };
  if (typeof value === 'object' && value !== null && 'data' in value) return { t: tensorProto('', value as unknown as Values), type: 4 };
  throw new RangeError('unknown attribute');
}

function tensorProto(name: string, { dtype, shape, data }: Values): object {
  return { name, dims: shape, data_type: CODES[dtype], raw_data: Buffer.from(typed(dtype, data).buffer) };
}

function typed(dtype: DType, data: ArrayLike<number>) {
  switch (dtype) {
    case 'float32':
      return Float32Array.from(data);
    case 'float64':
      return Float64Array.from(data);
    case 'int64':
      return BigInt64Array.from(Array.from(data, BigInt));
    case 'uint64':
      return BigUint64Array.from(Array.from(data, BigInt));
    case 'int32':
      return Int32Array.from(data);
    case 'uint32':
      return Uint32Array.from(data);
    case 'int16':
      return Int16Array.from(data);
    case 'uint16':
      return Uint16Array.from(data);
    case 'int8':
      return Int8Array.from(data);
    case 'float16':
      throw new RangeError('half precision is not used in these tests');
    default:
      return Uint8Array.from(data);
  }
}

export interface SessionOptions {
  /** ONNX Runtime's graph optimisations: `all` fuses QDQ forms. */
  readonly optimize?: 'all' | 'disabled';
}

/** Runs a model, given as bytes or by path, in ONNX Runtime on one thread. */
export async function runOnnx(
  model: Uint8Array | string,
  inputs: Readonly<Record<string, Values>>,
  options: SessionOptions = {},
): Promise<Map<string, Values>> {
  const settings = { graphOptimizationLevel: options.optimize ?? 'all', intraOpNumThreads: 1, logSeverityLevel: 3 } as const;
  const session =
    typeof model === 'string' ? await ort.InferenceSession.create(model, settings) : await ort.InferenceSession.create(model, settings);
  const feeds = Object.fromEntries(
    Object.entries(inputs).map(([name, { dtype, shape, data }]) => [
      name,
      new ort.Tensor(dtype as 'float32', typed(dtype, data) as Float32Array, shape),
    ]),
  );
  const results = await session.run(feeds);
  const values = Object.entries(results).map(([name, { type, dims, data }]): [string, Values] => [
    name,
    { dtype: type as DType, shape: [...dims], data: Float64Array.from(data as ArrayLike<number>, Number) },
  ]);
  await session.release();
  return new Map(values);
}
