import { badInput, type DType, elements, type Tensor, type Values } from '@regrain/core-ir/runtime';

/** Arrays that hold the elements of a tensor; 64-bit integers may also come as doubles, halves and booleans come as floats and bytes. */
export type Elements =
  | Float32Array
  | Float64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | BigInt64Array
  | BigUint64Array;

/** Arrays of 64-bit integers. */
export type Big = BigInt64Array | BigUint64Array;

export function isBig(array: unknown): array is Big {
  return array instanceof BigInt64Array || array instanceof BigUint64Array;
}

/** What a caller gives for one input: its elements row-major, or values that say their type and shape themselves. */
export type Given = Values | Elements;

/** By name. Outputs come back in the same form, as a map or as an object. */
export type Inputs = ReadonlyMap<string, Given> | Readonly<Record<string, Given>>;

/** Arrays of the caller's that outputs are written to, by name; each of the output's own type and length. */
export type Into = Readonly<Record<string, Elements>>;

const CLASSES: Readonly<Record<DType, readonly string[]>> = {
  float32: ['Float32Array'],
  float16: ['Float32Array'],
  float64: ['Float64Array'],
  int64: ['BigInt64Array', 'Float64Array'],
  uint64: ['BigUint64Array', 'Float64Array'],
  int32: ['Int32Array'],
  uint32: ['Uint32Array'],
  int16: ['Int16Array'],
  uint16: ['Uint16Array'],
  int8: ['Int8Array'],
  uint8: ['Uint8Array', 'Uint8ClampedArray'],
  bool: ['Uint8Array'],
};

type Wanted = Pick<Tensor, 'name' | 'dtype' | 'shape'>;

/** Inputs in either form as a map. Throws `bad-input` for anything else. */
export function givenMap(inputs: Inputs, model: string): ReadonlyMap<string, Given> {
  if (inputs instanceof Map) return inputs;
  if (typeof inputs !== 'object' || inputs === null || Array.isArray(inputs) || ArrayBuffer.isView(inputs))
    throw badInput(`inputs of ${model} are given by name: run({ name: values }) or a Map`);
  return new Map(Object.entries(inputs));
}

/** The values of an input, checked against its type and shape. Throws `bad-input` that names the input. */
export function valuesOf(given: unknown, tensor: Wanted, model: string): Values {
  const { dtype, shape } = tensor;
  const count = elements(shape);
  if (ArrayBuffer.isView(given)) {
    const { length } = elementsFor(given, tensor, `input ${tensor.name} of ${model}`);
    if (length !== count) throw mismatch(tensor, model, `${length} elements`);
    return { dtype, shape, data: numbersOf(given, tensor, model) };
  }
  if (!isValues(given)) throw mismatch(tensor, model, describe(given));
  const fits = given.dtype === dtype && given.shape.join() === shape.join();
  if (!fits) throw mismatch(tensor, model, `${given.dtype} [${given.shape.join(', ')}]`);
  if (given.splat === undefined && given.data.length !== count) throw mismatch(tensor, model, `${given.data.length} elements`);
  return ArrayBuffer.isView(given.data) ? { ...given, data: numbersOf(given.data, tensor, model) } : given;
}

/** An array that an output is written to. Throws `bad-input` where its type or length is another. */
export function checkInto(into: unknown, tensor: Wanted): void {
  const what = `the array for output ${tensor.name}`;
  const { length } = elementsFor(into, tensor, what);
  if (length !== elements(tensor.shape)) throw badInput(`${what} has ${length} elements, not ${elements(tensor.shape)}`);
}

export function putInto(data: ArrayLike<number>, into: Big): void {
  for (let k = 0; k < data.length; k++) into[k] = BigInt(Math.trunc(data[k]));
}

function elementsFor(array: unknown, { dtype, shape }: Wanted, what: string): { readonly length: number } {
  const name = className(array);
  if (ArrayBuffer.isView(array) && CLASSES[dtype].includes(name)) return array as unknown as ArrayLike<number>;
  throw badInput(`${what} is ${dtype} [${shape.join(', ')}]: give ${CLASSES[dtype].join(' or ')}, not ${describe(array)}`);
}

/** BigInts as numbers, all else as it is. */
function numbersOf(given: unknown, { name }: Wanted, model: string): ArrayLike<number> {
  if (!isBig(given)) return given as ArrayLike<number>;
  return Float64Array.from(given as unknown as ArrayLike<bigint>, (wide: bigint) => {
    const number = Number(wide);
    if (!Number.isSafeInteger(number)) throw badInput(`input ${name} of ${model}: ${wide} is beyond 2^53`);
    return number;
  });
}

function isValues(given: unknown): given is Values {
  const { dtype, shape, data, splat } = (given ?? {}) as Partial<Values>;
  return typeof dtype === 'string' && Array.isArray(shape) && (typeof splat === 'number' || typeof data?.length === 'number');
}

function mismatch({ name, dtype, shape }: Wanted, model: string, found: string): Error {
  return badInput(`input ${name} of ${model} is ${dtype} [${shape.join(', ')}], not ${found}`);
}

function className(value: unknown): string {
  return (value as object | null)?.constructor?.name ?? '';
}

function describe(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  return typeof value === 'object'
    ? isValues(value)
      ? `${value.dtype} [${value.shape.join(', ')}]`
      : className(value) || 'an object'
    : typeof value;
}

/** Outputs in the form that inputs had. */
export function inForm(outputs: Map<string, Values>, inputs: Inputs): Map<string, Values> & Record<string, Values> {
  return (inputs instanceof Map ? outputs : Object.fromEntries(outputs)) as Map<string, Values> & Record<string, Values>;
}
