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
}

/** Per panel of outputs, per factor, per row of the window and term: a factor of each output. */
export function packFactors(values: Values, map: Parameters<typeof elementAt>[1], extents: readonly number[], plan: Packing): Uint8Array {
  const { n, r, rows, column, panel } = plan;
  const panels = Math.ceil(extents[n] / panel);
  const taps = rows.reduce((product, d) => product * extents[d], 1);
  const terms = extents[r];
  const data = new Float32Array(panels * COLUMNS * taps * terms * panel);
  const point = extents.map(() => 0);
  const walk = (level: number, tap: number, visit: (tap: number) => void): void => {
    if (level === rows.length) {
      visit(tap);
      return;
    }
    const extent = extents[rows[level]];
    for (let x = 0; x < extent; x++) {
      point[rows[level]] = x;
      walk(level + 1, tap * extent + x, visit);
    }
  };
  for (let output = 0; output < extents[n]; output++) {
    point[n] = output;
    const p = Math.floor(output / panel);
    walk(0, 0, (tap) => {
      for (let k = 0; k < terms; k++) {
        point[r] = k;
        const row = [0, 1, 2].map((x) => {
          point[column] = x;
          return elementAt(values, map, point);
        });
        WEIGHTS.forEach((factors, j) => {
          const at = (((p * COLUMNS + j) * taps + tap) * terms + k) * panel + (output % panel);
          data[at] = factors.reduce((sum, factor, x) => sum + factor * row[x], 0);
        });
      }
    });
  }
  return new Uint8Array(data.buffer);
}
