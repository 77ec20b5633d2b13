import type { Values } from '@regrain/core-ir';
import { elementAt } from '../../layout/packing.js';
import type { Contraction } from './plan.js';

type Packing = Pick<Contraction, 'n' | 'r' | 'taps' | 'phases' | 'panel' | 'step' | 'integer' | 'zeroA' | 'zeroB'>;

/**
 * Per panel: for integers, per output −zero × Σ weights (32 bits); then per tap and term a row of the panel's weights: floats, or
 * 16-bit pairs of terms. What is added to fill panels and steps is 0.
 */
export function packWeights(values: Values, map: Parameters<typeof elementAt>[1], extents: readonly number[], plan: Packing): Uint8Array {
  const { n, r, panel, step, integer, zeroA, zeroB } = plan;
  const panels = Math.ceil(extents[n] / panel);
  const terms = Math.ceil(extents[r] / step) * step;
  // Each remainder has weights of its own, which come before the taps.
  const taps = [...plan.phases.map(({ d, by }) => ({ d, extent: by })), ...plan.taps.map((d) => ({ d, extent: extents[d] }))];
  const count = taps.reduce((product, { extent }) => product * extent, 1);
  const point = extents.map(() => 0);
  const each = (p: number, visit: (tap: number, term: number, output: number, weight: number) => void): void => {
    const walk = (level: number, tap: number): void => {
      if (level < taps.length) {
        const { d, extent } = taps[level];
        for (let x = 0; x < extent; x++) {
          point[d] = x;
          walk(level + 1, tap * extent + x);
        }
        return;
      }
      for (let k = 0; k < extents[r]; k++) {
        point[r] = k;
        for (let output = 0; output < panel && p * panel + output < extents[n]; output++) {
          point[n] = p * panel + output;
          visit(tap, k, output, elementAt(values, map, point) - zeroB);
        }
      }
    };
    walk(0, 0);
  };
  if (!integer) {
    const data = new Float32Array(panels * count * terms * panel);
    for (let p = 0; p < panels; p++)
      each(p, (tap, k, output, weight) => void (data[((p * count + tap) * terms + k) * panel + output] = weight));
    return new Uint8Array(data.buffer);
  }
  const panelBytes = panel * 4 + count * terms * panel * 2;
  const bytes = new Uint8Array(panels * panelBytes);
  for (let p = 0; p < panels; p++) {
    const corrections = new Int32Array(bytes.buffer, p * panelBytes, panel);
    const rows = new Int16Array(bytes.buffer, p * panelBytes + panel * 4, count * terms * panel);
    each(p, (tap, k, output, weight) => {
      corrections[output] -= zeroA * weight;
      rows[(tap * terms + (k & ~1)) * panel + output * 2 + (k & 1)] = weight;
    });
  }
  return bytes;
}
