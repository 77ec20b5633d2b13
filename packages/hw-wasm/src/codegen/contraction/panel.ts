/** Outputs per panel of weights. */
export type Panel = 4 | 8 | 16;

/** Points that are computed together at most. */
export const MOST_POINTS = 4;

/** Wider panels of weights would not stay in the first cache while points go by. */
const WIDE_BYTES = 40 * 1024;

/**
 * Points that are computed together, by the vectors of outputs in hand: as many as there are, then fewer. Eight sums fill the registers
 * beside their factors; four, and no fewer, hide the time that a sum takes.
 */
export function tilesOf(vectors: number): readonly number[] {
  return vectors > 2 ? [2, 1] : [MOST_POINTS, 2, 1];
}

/**
 * Panels of 16 outputs where the points in a row do not come in fours, above all where there is one; otherwise of 8, which share weights
 * among more points.
 *
 * @param outputs of the operation, of which a task computes the range `box`
 * @param points in a row
 * @param terms of each sum
 * @param blocks of outputs within which operands are linear, each; 0: throughout
 */
export function panelOf(
  outputs: number,
  [lo, hi]: readonly [number, number],
  points: number,
  terms: number,
  blocks: readonly number[],
  widest: Panel,
): Panel {
  if (outputs <= 4) return 4;
  const whole = lo % 16 === 0 && (hi % 16 === 0 || hi === outputs) && blocks.every((block) => block % 16 === 0);
  const stays = points === 1 || 16 * 4 * terms <= WIDE_BYTES;
  return widest === 16 && outputs > 8 && points % MOST_POINTS !== 0 && whole && stays ? 16 : 8;
}
