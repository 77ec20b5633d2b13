/** Whole keys that span no more than so many times their number are sorted by counting. */
const SPARSE = 8;

/**
 * Positions by rising key, equal keys in the order given. Whole keys are sorted by counting, O(n), or, where they lie far apart, as numbers
 * that hold the position too: without a comparison by call, which counts with 10⁶ of them.
 */
export function ascending(keys: Float64Array): Int32Array {
  const count = keys.length;
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  let whole = true;
  for (let k = 0; k < count; k++) {
    const key = keys[k];
    if (key < least) least = key;
    if (key > most) most = key;
    if (!Number.isInteger(key)) whole = false;
  }
  if (count === 0) return new Int32Array(0);
  if (!whole || (most - least + 1) * count > Number.MAX_SAFE_INTEGER)
    return Int32Array.from(keys, (_, k) => k).sort((a, b) => keys[a] - keys[b] || a - b);
  if (most - least < SPARSE * count) return counted(keys, least, most - least + 1);
  const coded = keys.map((key, k) => (key - least) * count + k).sort();
  return Int32Array.from(coded, (code) => code % count);
}

function counted(keys: Float64Array, least: number, span: number): Int32Array {
  const place = new Int32Array(span + 1);
  for (let k = 0; k < keys.length; k++) place[keys[k] - least + 1]++;
  for (let key = 0; key < span; key++) place[key + 1] += place[key];
  const order = new Int32Array(keys.length);
  for (let k = 0; k < keys.length; k++) order[place[keys[k] - least]++] = k;
  return order;
}
