import { FREE, type Item } from './items.js';

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
  /** From the first to the last time at which the item lives. */
  readonly life: Float64Array;
  /** First and last section of each item. */
  readonly from: Int32Array;
  readonly to: Int32Array;
  /** Spans of item i: `span[i] … span[i + 1] - 1`. */
  readonly span: Int32Array;
  readonly spanFrom: Int32Array;
  readonly spanTo: Int32Array;
  readonly spanBytes: Float64Array;
  /** Items that live with item i: `other[meets[i]] … other[meets[i + 1] - 1]`. */
  readonly meets: Int32Array;
  readonly other: Int32Array;
  /** By how much the other must lie above item i, and item i above the other: what the lower one holds at most while both live. */
  readonly above: Float64Array;
  readonly below: Float64Array;
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
    life: Float64Array.from(list, ({ spans: own }) => own[own.length - 1].last - own[0].first + 1),
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

type Spanned = Omit<Sections, 'meets' | 'other' | 'above' | 'below'>;

function meetingsOf(made: Spanned, limit: number): Pick<Sections, 'meets' | 'other' | 'above' | 'below'> | undefined {
  // In every further section an item meets another that has begun: so many pairs there are at least.
  let least = -made.span[made.items];
  for (let k = 0; k < made.span[made.items]; k++) least += made.spanTo[k] - made.spanFrom[k] + 1;
  if (least > limit) return undefined;
  // Spans by section.
  const inSection: number[][] = Array.from({ length: made.sections }, () => []);
  const itemOf = new Int32Array(made.span[made.items]);
  for (let i = 0; i < made.items; i++) {
    for (let k = made.span[i]; k < made.span[i + 1]; k++) {
      itemOf[k] = i;
      for (let s = made.spanFrom[k]; s <= made.spanTo[k]; s++) inSection[s].push(k);
    }
  }
  const meets = new Int32Array(made.items + 1);
  const other: number[] = [];
  const above: number[] = [];
  const below: number[] = [];
  const seenAt = new Int32Array(made.items).fill(-1);
  for (let i = 0; i < made.items; i++) {
    const begin = other.length;
    for (let k = made.span[i]; k < made.span[i + 1]; k++) {
      const bytes = made.spanBytes[k];
      for (let s = made.spanFrom[k]; s <= made.spanTo[k]; s++) {
        for (const q of inSection[s]) {
          const j = itemOf[q];
          if (j === i) continue;
          if (seenAt[j] < begin) {
            seenAt[j] = other.length;
            other.push(j);
            above.push(bytes);
            below.push(made.spanBytes[q]);
          } else {
            const e = seenAt[j];
            if (above[e] < bytes) above[e] = bytes;
            if (below[e] < made.spanBytes[q]) below[e] = made.spanBytes[q];
          }
        }
      }
    }
    meets[i + 1] = other.length;
    if (other.length > limit) return undefined;
  }
  return { meets, other: Int32Array.from(other), above: Float64Array.from(above), below: Float64Array.from(below) };
}

/** The same with items renamed: item r is what item `order[r]` was. */
export function reordered(sections: Sections, order: Int32Array): Sections {
  const n = sections.items;
  const rank = new Int32Array(n);
  for (let r = 0; r < n; r++) rank[order[r]] = r;
  const perItem = <A extends Int32Array | Float64Array>(values: A): A => {
    const made = values.slice() as A;
    for (let r = 0; r < n; r++) made[r] = values[order[r]];
    return made;
  };
  const perRow = <A extends Int32Array | Float64Array>(rows: Int32Array, to: Int32Array, values: A): A => {
    const made = values.slice() as A;
    for (let r = 0; r < n; r++) made.set(values.subarray(rows[order[r]], rows[order[r] + 1]), to[r]);
    return made;
  };
  const rowsOf = (rows: Int32Array): Int32Array => {
    const made = new Int32Array(n + 1);
    for (let r = 0; r < n; r++) made[r + 1] = made[r] + rows[order[r] + 1] - rows[order[r]];
    return made;
  };
  const span = rowsOf(sections.span);
  const meets = rowsOf(sections.meets);
  return {
    items: n,
    sections: sections.sections,
    bytes: perItem(sections.bytes),
    align: perItem(sections.align),
    fixed: perItem(sections.fixed),
    life: perItem(sections.life),
    from: perItem(sections.from),
    to: perItem(sections.to),
    span,
    spanFrom: perRow(sections.span, span, sections.spanFrom),
    spanTo: perRow(sections.span, span, sections.spanTo),
    spanBytes: perRow(sections.span, span, sections.spanBytes),
    meets,
    other: perRow(sections.meets, meets, sections.other).map((i) => rank[i]),
    above: perRow(sections.meets, meets, sections.above),
    below: perRow(sections.meets, meets, sections.below),
  };
}

/** For each item the one before it that has the same bytes, spans and alignment, or -1: of twins, the first is placed first. */
export function twins({ items, align, fixed, span, spanFrom, spanTo, spanBytes }: Sections): Int32Array {
  const twin = new Int32Array(items).fill(-1);
  const last = new Map<string, number>();
  for (let i = 0; i < items; i++) {
    if (fixed[i] !== FREE) continue;
    let key = `${align[i]}`;
    for (let k = span[i]; k < span[i + 1]; k++) key += ` ${spanFrom[k]} ${spanTo[k]} ${spanBytes[k]}`;
    twin[i] = last.get(key) ?? -1;
    last.set(key, i);
  }
  return twin;
}
