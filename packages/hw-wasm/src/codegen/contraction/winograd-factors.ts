import type { Values } from '@regrain/core-ir';
import { elementAt } from '../../layout/packing.js';
import { COLUMNS } from './winograd.js';

/**
 * G of F(4, 3), points 0, ±1, ±2 and ∞: three weights of a row to six factors. Lavin & Gray, "Fast Algorithms for Convolutional Neural
 * Networks" (CVPR 2016), section 4.2.
 */
const WEIGHTS = [
  [1 / 4, 0, 0],
  [-1 / 6, -1 / 6, -1 / 6],
  [-1 / 6, 1 / 6, -1 / 6],
  [1 / 24, 1 / 12, 1 / 6],
  [1 / 24, -1 / 12, 1 / 6],
  [0, 0, 1],
] as const;

export interface Packing {
  readonly n: number;
  readonly r: number;
  readonly rows: readonly number[];
  readonly column: number;
  readonly panel: number;
  /** Whether the window's rows, three of them, become six factors as its columns do: G g G^T. */
  readonly tall: boolean;
}

/** Per panel of outputs, per factor, per row of the window (or factor of its rows) and term: a factor of each output. */
export function packFactors(values: Values, map: Parameters<typeof elementAt>[1], extents: readonly number[], plan: Packing): Uint8Array {
  const { n, r, rows, column, panel, tall } = plan;
  const panels = Math.ceil(extents[n] / panel);
  const levels = tall ? COLUMNS : rows.reduce((product, d) => product * extents[d], 1);
  const terms = extents[r];
  const data = new Float32Array(panels * COLUMNS * levels * terms * panel);
  const point = extents.map(() => 0);
  const weight = (x: number): number => {
    point[column] = x;
    return elementAt(values, map, point);
  };
  /** The window at the point in hand, row by row. */
  const windowRows = ([d, ...rest]: readonly number[]): number[][] => {
    if (d === undefined) return [[weight(0), weight(1), weight(2)]];
    return Array.from({ length: extents[d] }, (_, x) => {
      point[d] = x;
      return windowRows(rest);
    }).flat();
  };
  for (let output = 0; output < extents[n]; output++) {
    point[n] = output;
    const p = Math.floor(output / panel);
    for (let k = 0; k < terms; k++) {
      point[r] = k;
      const across = windowRows(rows).map(factorsOf);
      for (let j = 0; j < COLUMNS; j++) {
        const own = across.map((row) => row[j]);
        const factors = tall ? factorsOf(own) : own;
        for (const [level, factor] of factors.entries()) {
          data[(((p * COLUMNS + j) * levels + level) * terms + k) * panel + (output % panel)] = factor;
        }
      }
    }
  }
  return new Uint8Array(data.buffer);
}

/** G g. */
function factorsOf(three: readonly number[]): number[] {
  return WEIGHTS.map((row) => row.reduce((sum, factor, x) => sum + factor * three[x], 0));
}
