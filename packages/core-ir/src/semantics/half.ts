/** IEEE 754 binary16 from its 16 bits. */
export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** To the nearest binary16, halves to even, as a number; beyond 65504 (and its rounding) infinite. */
export function roundToHalf(value: number): number {
  const magnitude = Math.abs(value);
  if (!(magnitude > 0) || magnitude === Number.POSITIVE_INFINITY) return value;
  if (magnitude >= 65520) return Math.sign(value) * Number.POSITIVE_INFINITY;
  // Adding 2^52 units of the last place and taking them away again rounds halves to even in that place.
  const exponent = Math.max(-14, Math.floor(Math.log2(magnitude)));
  const unit = 2 ** (exponent - 10);
  const scaled = magnitude / unit + 2 ** 52 - 2 ** 52;
  return Math.sign(value) * scaled * unit;
}
