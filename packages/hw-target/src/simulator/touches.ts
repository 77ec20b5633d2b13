import { type Box, type Decomposition, ELEMENT_BYTES, READS, type RegionIndexes, WRITES } from '@regrain/core-ir';

/** Which regions each task touches and how far, in compressed sparse rows: one entry per access and region. */
export interface Touches {
  readonly row: Int32Array;
  readonly region: Int32Array;
  /** Bytes of the region that the access covers. */
  readonly bytes: Float64Array;
  /** Bit set of READS and WRITES. */
  readonly mode: Uint8Array;
  /** Bytes of the region before the access's first element, in the region's own dense order. */
  readonly from: Float64Array;
}

const MODE = { read: READS, write: WRITES, accumulate: READS | WRITES } as const;

/** O(accesses × hits). */
export function findTouches(work: Decomposition, indexes: RegionIndexes): Touches {
  const { tasks, instances } = work;
  const row = new Int32Array(tasks.length + 1);
  let capacity = 4 * tasks.length + 16;
  let region = new Int32Array(capacity);
  let bytes = new Float64Array(capacity);
  let from = new Float64Array(capacity);
  let mode = new Uint8Array(capacity);
  let count = 0;
  let box: Box = [];
  let order: readonly number[] = [];
  let size = 0;
  let how = 0;
  const hit = (id: number, regionBox: Box) => {
    if (count === capacity) {
      capacity *= 2;
      region = grown(region, new Int32Array(capacity));
      bytes = grown(bytes, new Float64Array(capacity));
      from = grown(from, new Float64Array(capacity));
      mode = grown(mode, new Uint8Array(capacity));
    }
    let shared = size;
    let first = 0;
    for (let k = 0; k < box.length; k++) {
      const d = order.length > 0 ? order[k] : k;
      const [lo, hi] = regionBox[d];
      shared *= Math.min(hi, box[d][1]) - Math.max(lo, box[d][0]);
      first = first * (hi - lo) + Math.max(0, box[d][0] - lo);
    }
    region[count] = id;
    bytes[count] = shared;
    from[count] = first * size;
    mode[count++] = how;
  };
  for (let t = 0; t < tasks.length; t++) {
    for (const access of tasks[t].accesses) {
      const instance = instances[access.instance];
      box = access.box;
      order = instance.order;
      size = ELEMENT_BYTES[instance.dtype];
      how = MODE[access.mode];
      indexes.forEach(access.instance, box, hit);
    }
    row[t + 1] = count;
  }
  return { row, region, bytes, mode, from };
}

function grown<T extends Int32Array | Float64Array | Uint8Array>(old: T, into: T): T {
  into.set(old);
  return into;
}
