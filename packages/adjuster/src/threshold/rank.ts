import type { Edit } from '@regrain/core-ir';

/** A batch with its price. */
export interface Priced {
  readonly kind: Edit['kind'];
  readonly tensors: readonly number[];
  readonly gain: number;
  readonly moreTasks: number;
  readonly frequency: number;
  edits(): readonly Edit[];
}

/** Of batches that gain about as much as the best (this share of it), the one with the fewest tasks goes first. */
const ABOUT = 0.75;

/**
 * Best first, lazily. Estimates err by more than a quarter, so that between batches of about the same gain the cheaper one is better:
 * fewer tasks plan faster and can be refined further. Of equal ones the busier first, then the order in which they were found.
 */
export function* bestFirst(priced: readonly Priced[]): Generator<Priced> {
  const left = [...priced].sort((a, b) => b.gain - a.gain || b.frequency - a.frequency);
  while (left.length > 0) {
    let pick = 0;
    for (let k = 1; k < left.length && left[k].gain >= ABOUT * left[0].gain; k++) if (left[k].moreTasks < left[pick].moreTasks) pick = k;
    yield left[pick];
    left.splice(pick, 1);
  }
}
