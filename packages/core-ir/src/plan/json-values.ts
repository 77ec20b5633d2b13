/**
 * Values that JSON has no word for, in the parts of a plan that are anybody's (attributes, a machine's details): non-finite numbers,
 * typed arrays, bigints. `{"$number": "Infinity"}`, `{"$array": "Float32Array", "values": […]}`, `{"$bigint": "1"}`.
 */
export function encodeValue(value: unknown): unknown {
  if (typeof value === 'number') return isPlain(value) ? value : { $number: nameOf(value) };
  if (typeof value === 'bigint') return { $bigint: String(value) };
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(encodeValue);
  const type = Object.getPrototypeOf(value)?.constructor?.name as string;
  if (type in ARRAYS) return { $array: type, values: Array.from(value as Float64Array, (each) => encodeValue(each)) };
  return Object.fromEntries(Object.entries(value).flatMap(([key, each]) => (each === undefined ? [] : [[key, encodeValue(each)]])));
}

export function decodeValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(decodeValue);
  const { $number, $bigint, $array, values } = value as Record<string, unknown>;
  if (typeof $number === 'string') return numberOf($number);
  if (typeof $bigint === 'string') return BigInt($bigint);
  if (typeof $array === 'string' && $array in ARRAYS && Array.isArray(values))
    return new ARRAYS[$array](values.map(decodeValue) as never[]);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, decodeValue(each)]));
}

const ARRAYS: Readonly<Record<string, new (values: never[]) => ArrayBufferView>> = {
  Float32Array,
  Float64Array,
  Int8Array,
  Uint8Array,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  BigInt64Array,
  BigUint64Array,
};

export const SPECIAL_NUMBERS = ['Infinity', '-Infinity', 'NaN', '-0'] as const;

/** A number of a known field: as it is, or the name of what JSON cannot write. */
export function encodeNumber(value: number): number | string {
  return isPlain(value) ? value : nameOf(value);
}

export function numberOf(text: number | string): number {
  return Number(text);
}

function isPlain(value: number): boolean {
  return Number.isFinite(value) && !Object.is(value, -0);
}

function nameOf(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}
