import type { Sections } from './sections.js';

type Measure = 'area' | 'volume' | 'bytes' | 'total' | 'mean' | 'width' | 'life' | 'meets' | 'early' | 'late' | 'end';

/** The largest measure first, ties by the next one. */
export interface Order {
  readonly order: readonly Measure[];
  /** Before all, those of the fullest sections, anew for each part that the search splits off. */
  readonly byTotal?: boolean;
}

/**
 * Static orders that decide between items of the same lowest offset. Each is quick on some problems and hopeless on others, so they are
 * chosen to differ; those of MinimAlloc (Moffitt 2023, section 5) are among them.
 */
export const ORDERS: readonly Order[] = [
  { byTotal: true, order: ['total', 'width', 'life'] },
  { byTotal: true, order: ['area', 'early', 'total'] },
  { order: ['early', 'mean', 'meets'] },
  { byTotal: true, order: ['width', 'mean', 'early'] },
  { order: ['end', 'meets', 'area'] },
  { order: ['total', 'meets', 'late'] },
  { order: ['meets', 'area', 'late'] },
  { order: ['width', 'area', 'total'] },
  { order: ['area', 'end', 'meets'] },
  { order: ['end', 'late', 'bytes'] },
  { byTotal: true, order: ['life', 'volume'] },
  { order: ['bytes', 'mean', 'life'] },
];

/** Items by the order; equal ones as they are given. */
export function sortedBy(sections: Sections, order: readonly Measure[]): Int32Array {
  const measures = order.map((name) => measure(sections, name));
  return Int32Array.from({ length: sections.items }, (_, i) => i).sort((a, b) => {
    for (const values of measures) if (values[a] !== values[b]) return values[b] - values[a];
    return a - b;
  });
}

function measure(sections: Sections, name: Measure): Float64Array {
  const { items, bytes, life, from, to, span, spanFrom, spanTo, spanBytes, meets } = sections;
  const each = (of: (i: number) => number): Float64Array => Float64Array.from({ length: items }, (_, i) => of(i));
  switch (name) {
    case 'bytes':
      return bytes;
    case 'width':
      return each((i) => to[i] - from[i] + 1);
    case 'meets':
      return each((i) => meets[i + 1] - meets[i]);
    case 'life':
      return life;
    case 'volume':
      return each((i) => bytes[i] * life[i]);
    case 'early':
      return each((i) => -from[i]);
    case 'late':
      return each((i) => from[i]);
    case 'end':
      return each((i) => to[i]);
    case 'area':
      return each((i) => {
        let area = 0;
        for (let k = span[i]; k < span[i + 1]; k++) area += (spanTo[k] - spanFrom[k] + 1) * spanBytes[k];
        return area;
      });
    case 'total': {
      const total = totalsOf(sections);
      return each((i) => total.subarray(from[i], to[i] + 1).reduce((most, bytes) => Math.max(most, bytes), 0));
    }
    case 'mean': {
      const total = totalsOf(sections);
      return each((i) => total.subarray(from[i], to[i] + 1).reduce((sum, bytes) => sum + bytes, 0) / (to[i] - from[i] + 1));
    }
  }
}

/** Bytes that live in each section. */
export function totalsOf({ sections, items, span, spanFrom, spanTo, spanBytes }: Sections): Float64Array {
  const total = new Float64Array(sections);
  for (let k = 0; k < span[items]; k++) for (let s = spanFrom[k]; s <= spanTo[k]; s++) total[s] += spanBytes[k];
  return total;
}
