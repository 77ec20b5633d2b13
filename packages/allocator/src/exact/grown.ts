/** Twice the room, with what is there. */
export function doubled<A extends Int32Array | Float64Array>(values: A): A {
  const grown = new (values.constructor as new (length: number) => A)(2 * values.length);
  grown.set(values);
  return grown;
}
