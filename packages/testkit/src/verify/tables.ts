/** Members by key, ascending: those of key k are `member[row[k]] … member[row[k + 1] - 1]`. */
export interface Rows {
  readonly row: Int32Array;
  readonly member: Int32Array;
}

/** Sorts the members 0, 1, … by their keys; a key below 0 is none. */
export function rowsBy(keys: Int32Array, count: number): Rows {
  // One further on, so that the places of a key, counted up while they fill, become the rows.
  const row = new Int32Array(count + 2);
  for (const key of keys) if (key >= 0) row[key + 2]++;
  for (let k = 2; k < row.length; k++) row[k] += row[k - 1];
  const member = new Int32Array(row[count + 1]);
  for (let m = 0; m < keys.length; m++) if (keys[m] >= 0) member[row[keys[m] + 1]++] = m;
  return { row: row.subarray(0, count + 1), member };
}

/** A list of numbers that grows; of millions, an array of numbers would be copied and collected all the time. */
export class Numbers {
  length = 0;
  private values = new Int32Array(1024);

  push(value: number): number {
    if (this.length === this.values.length) {
      const wider = new Int32Array(2 * this.length);
      wider.set(this.values);
      this.values = wider;
    }
    this.values[this.length] = value;
    return this.length++;
  }

  all(): Int32Array {
    return this.values.subarray(0, this.length);
  }

  at(k: number): number {
    return this.values[k];
  }

  set(k: number, value: number): void {
    this.values[k] = value;
  }
}

/** Positions by rising first key, equal ones by second key, then as they stand. Keys are whole and not negative. */
export function ascending(first: ArrayLike<number>, second: ArrayLike<number>): Int32Array {
  const bySecond = stable(second, undefined);
  return stable(first, bySecond);
}

/** Radix sort of positions by key, 11 bits at a time: O(n). */
function stable(keys: ArrayLike<number>, before: Int32Array | undefined): Int32Array {
  const n = keys.length;
  let order = before ?? new Int32Array(n).map((_, k) => k);
  let most = 0;
  for (let k = 0; k < n; k++) if (keys[k] > most) most = keys[k];
  for (let unit = 1; unit <= most || unit === 1; unit *= RADIX) {
    const start = new Int32Array(RADIX + 1);
    for (let k = 0; k < n; k++) start[(Math.floor(keys[k] / unit) % RADIX) + 1]++;
    for (let d = 0; d < RADIX; d++) start[d + 1] += start[d];
    const next = new Int32Array(n);
    for (let k = 0; k < n; k++) next[start[Math.floor(keys[order[k]] / unit) % RADIX]++] = order[k];
    order = next;
  }
  return order;
}

const RADIX = 1 << 11;
