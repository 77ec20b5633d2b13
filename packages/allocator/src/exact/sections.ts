import type { Item } from './items.js';

/**
 * Items over the sections of the time line. A section is a largest set of items that live at one time; two items meet in a section
 * exactly if they live at the same time.
 */
export interface Sections {
  readonly items: number;
  readonly sections: number;
  readonly bytes: Float64Array;
  readonly align: Float64Array;
  /** FREE, or the given offset. */
  readonly fixed: Float64Array;
  /** First and last section of each item. */
  readonly from: Int32Array;
  readonly to: Int32Array;
  /** Spans of item i: `span[i] … span[i + 1] - 1`. */
  readonly span: Int32Array;
  readonly spanFrom: Int32Array;
  readonly spanTo: Int32Array;
  readonly spanBytes: Float64Array;
  /** Items that live with item i: `other[meets[i]] … other[meets[i + 1] - 1]`, and what it holds at most while they live. */
  readonly meets: Int32Array;
  readonly other: Int32Array;
  readonly above: Float64Array;
}

/** Undefined where more pairs meet than `limit`. O(n log n + pairs). */
export function sectionsOf(list: readonly Item[], limit: number): Sections | undefined {
  const { spans, count } = compress(list);
  const n = list.length;
  const span = new Int32Array(n + 1);
  for (let i = 0; i < n; i++) span[i + 1] = span[i] + spans[i].length;
  const flat = spans.flat();
  const made = {
    items: n,
    sections: count,
    bytes: Float64Array.from(list, ({ bytes }) => bytes),
    align: Float64Array.from(list, ({ align }) => align),
    fixed: Float64Array.from(list, ({ fixed }) => fixed),
    from: Int32Array.from(spans, (own) => own[0].first),
    to: Int32Array.from(spans, (own) => own[own.length - 1].last),
    span,
    spanFrom: Int32Array.from(flat, ({ first }) => first),
    spanTo: Int32Array.from(flat, ({ last }) => last),
    spanBytes: Float64Array.from(flat, ({ bytes }) => bytes),
  };
  const pairs = meetingsOf(made, limit);
  return pairs && { ...made, ...pairs };
}

/** Spans by section. Only times at which something starts, and before the next start something ends, hold a largest set. */
function compress(list: readonly Item[]): { spans: { first: number; last: number; bytes: number }[][]; count: number } {
  const starts = [...new Set(list.flatMap(({ spans }) => spans.map(({ first }) => first)))].sort((a, b) => a - b);
  const startBefore = (time: number): number => {
    let lo = 0;
    let hi = starts.length;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if (starts[mid] <= time) lo = mid + 1;
      else hi = mid;
    }
    return lo - 1;
  };
  const ends = new Uint8Array(starts.length);
  for (const { spans } of list) for (const { last } of spans) ends[startBefore(last)] = 1;
  // Section of start k, or of the next start that has one.
  const section = new Int32Array(starts.length + 1);
  for (let k = 0; k < starts.length; k++) section[k + 1] = section[k] + ends[k];
  const spans = list.map((item) =>
    item.spans.map(({ first, last, bytes }) => ({
      first: section[startBefore(first)],
      last: section[startBefore(last) + 1] - 1,
      bytes,
    })),
  );
  return { spans, count: section[starts.length] };
}

type Spanned = Omit<Sections, 'meets' | 'other' | 'above'>;

function meetingsOf(made: Spanned, limit: number): Pick<Sections, 'meets' | 'other' | 'above'> | undefined {
  const inSection: number[][] = Array.from({ length: made.sections }, () => []);
  for (let i = 0; i < made.items; i++) {
    for (let k = made.span[i]; k < made.span[i + 1]; k++) {
      for (let s = made.spanFrom[k]; s <= made.spanTo[k]; s++) inSection[s].push(i);
    }
  }
  const meets = new Int32Array(made.items + 1);
  const other: number[] = [];
  const above: number[] = [];
  const seenAt = new Int32Array(made.items).fill(-1);
  for (let i = 0; i < made.items; i++) {
    const begin = other.length;
    for (let k = made.span[i]; k < made.span[i + 1]; k++) {
      const bytes = made.spanBytes[k];
      for (let s = made.spanFrom[k]; s <= made.spanTo[k]; s++) {
        for (const j of inSection[s]) {
          if (j === i) continue;
          if (seenAt[j] < begin) {
            seenAt[j] = other.length;
            other.push(j);
            above.push(bytes);
          } else if (above[seenAt[j]] < bytes) above[seenAt[j]] = bytes;
        }
      }
    }
    meets[i + 1] = other.length;
    if (other.length > limit) return undefined;
  }
  return { meets, other: Int32Array.from(other), above: Float64Array.from(above) };
}
