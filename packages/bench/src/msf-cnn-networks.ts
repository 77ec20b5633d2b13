import type { Network } from './networks.js';

/**
 * Layer lists as msf-CNN analyses them (TinyPART/msf-CNN, `analysis_optimization.py`; Huang & Baccelli 2025): facts only. Blocks are
 * inverted residuals, a residual wherever the stride is 1 and input and output channels agree; same padding; int8.
 */
export const MSF_CNN_NETWORKS: Readonly<Record<string, Network>> = {
  'mbv2-w0.35-r144': {
    input: [144, 144, 3],
    stem: { conv: [3, 11, 3, 2] },
    blocks: [
      [11, 5, 1, 1, 3],
      [5, 8, 6, 2, 3],
      [8, 8, 6, 1, 3],
      [8, 11, 6, 2, 3],
      [11, 11, 6, 1, 3],
      [11, 11, 6, 1, 3],
      [11, 22, 6, 2, 3],
      [22, 22, 6, 1, 3],
      [22, 22, 6, 1, 3],
      [22, 22, 6, 1, 3],
      [22, 33, 6, 1, 3],
      [33, 33, 6, 1, 3],
      [33, 33, 6, 1, 3],
      [33, 56, 6, 2, 3],
      [56, 56, 6, 1, 3],
      [56, 56, 6, 1, 3],
      [56, 112, 6, 1, 3],
    ],
    tail: { pointwise: [112, 448], globalPool: true, dense: [448, 1000] },
  },
  'mcunet-320kb-r176': {
    input: [176, 176, 3],
    stem: { conv: [3, 16, 3, 2], separable: [16, 8, 3, 1] },
    blocks: [
      [8, 16, 3, 2, 7],
      [16, 16, 5, 1, 3],
      [16, 16, 5, 1, 7],
      [16, 16, 4, 1, 5],
      [16, 24, 5, 2, 5],
      [24, 24, 5, 1, 5],
      [24, 24, 5, 1, 5],
      [24, 40, 5, 2, 3],
      [40, 40, 6, 1, 7],
      [40, 40, 4, 1, 5],
      [40, 48, 5, 1, 5],
      [48, 48, 5, 1, 7],
      [48, 48, 5, 1, 3],
      [48, 96, 6, 2, 3],
      [96, 96, 5, 1, 7],
      [96, 96, 4, 1, 3],
      [96, 160, 5, 1, 7],
    ],
    tail: { globalPool: true, dense: [160, 1000] },
  },
};
