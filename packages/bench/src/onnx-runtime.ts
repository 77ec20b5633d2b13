import { badInput, type DType, elements, type Program, type Values } from '@regrain/core-ir';

/** What regrain uses of ONNX Runtime's JavaScript API, which its packages for Node and for WebAssembly share. */
export interface OnnxRuntime {
  readonly Tensor: new (type: string, data: unknown, dims: readonly number[]) => OnnxTensor;
  readonly InferenceSession: { create(model: string | Uint8Array, options: object): Promise<OnnxSession> };
  readonly env?: { readonly wasm?: { numThreads?: number } };
}

export interface OnnxSession {
  readonly inputNames: readonly string[];
  run(feeds: Readonly<Record<string, OnnxTensor>>): Promise<Readonly<Record<string, OnnxTensor>>>;
  release?(): Promise<void>;
}

export interface OnnxTensor {
  readonly data: ArrayLike<number | bigint>;
  readonly dims: readonly number[];
}

export type OnnxPackage = 'onnxruntime-node' | 'onnxruntime-web';

/** The package, or undefined where it is not installed. */
export async function openOnnxRuntime(name: OnnxPackage): Promise<OnnxRuntime | undefined> {
  try {
    // A name in a variable: the bundler must not look for what may be absent.
    const module = (await import(name)) as { readonly default?: OnnxRuntime } & OnnxRuntime;
    return module.InferenceSession ? module : module.default;
  } catch (error) {
    if (['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'].includes((error as { code?: string }).code ?? '')) return undefined;
    throw error;
  }
}

/** The same inputs for ONNX Runtime; states that a program keeps for itself begin with zeros. */
export function feedsOf(
  ort: OnnxRuntime,
  session: OnnxSession,
  program: Program,
  inputs: ReadonlyMap<string, Values>,
): Readonly<Record<string, OnnxTensor>> {
  const given = new Map(inputs);
  for (const { to } of program.states) {
    const { name, dtype, shape } = program.tensors[to.tensor];
    if (!given.has(name)) given.set(name, { dtype, shape, data: [], splat: 0 });
  }
  return Object.fromEntries(
    session.inputNames.flatMap((name) => {
      const values = given.get(name);
      return values ? [[name, new ort.Tensor(values.dtype, typed(values), values.shape)]] : [];
    }),
  );
}

function typed({ dtype, data, splat, shape }: Values): unknown {
  const count = elements(shape);
  const at = (k: number): number => splat ?? data[k];
  if (dtype === 'int64' || dtype === 'uint64') {
    const wide = dtype === 'int64' ? new BigInt64Array(count) : new BigUint64Array(count);
    for (let k = 0; k < count; k++) wide[k] = BigInt(Math.trunc(at(k)));
    return wide;
  }
  const Typed = ARRAYS[dtype];
  if (!Typed) throw badInput(`ONNX Runtime cannot be given an input of ${dtype}`);
  return Typed.from({ length: count }, (_, k) => at(k));
}

const ARRAYS: Readonly<Partial<Record<DType, { from(items: { length: number }, map: (_: unknown, k: number) => number): unknown }>>> = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};
