import type { Part } from './part.js';
import type { Budget } from './portfolio.js';

/** The height that was reached, and one below which no placement is. */
export interface Lowered {
  readonly height: number;
  readonly lowest: number;
}

/** Nodes that one attempt at a height may take at first, as a share of all and at most, and how they grow where the attempts end. */
const ATTEMPT = 1 / 16;
const FIRST = 32_768;
const GROWTH = 4;

/** Heights that differ by less than this share are not tried apart. */
const FINE = 1 / 2000;

/** Gets all parts down to the capacity, or as far as the budget goes. */
export function fit(parts: readonly Part[], bound: number, capacity: number, budget: Budget): Lowered {
  const result = lowerAll(parts, capacity, budget.nodes, budget);
  return { height: heightOf(parts), lowest: result === 'impossible' ? capacity + 1 : bound };
}

/**
 * Lowers all parts until the height is proved to be the lowest, or as far as the budget goes: to `bound` first, then by halving between
 * the heights that were reached and those that were not. What was not reached is tried again with more nodes.
 */
export function minimise(parts: readonly Part[], bound: number, budget: Budget): Lowered {
  let height = heightOf(parts);
  let lowest = bound;
  let missed = bound - 1;
  let share = Math.min(FIRST, Math.ceil(budget.nodes * ATTEMPT));
  while (height > lowest && budget.nodes > 0 && !budget.over()) {
    if (missed >= lowest && height - missed <= Math.max(1, height * FINE)) {
      missed = lowest - 1;
      share *= GROWTH;
    }
    const target = missed < lowest ? lowest : Math.floor((missed + height) / 2);
    const before = budget.nodes;
    const result = lowerAll(parts, target, Math.min(share, budget.nodes), budget);
    height = heightOf(parts);
    // The highest part is too large to be searched.
    if (result === 'open' && budget.nodes === before) break;
    if (result === 'impossible') lowest = target + 1;
    if (result !== 'found') missed = target;
  }
  return { height, lowest };
}

function heightOf(parts: readonly Part[]): number {
  return parts.reduce((most, { height }) => Math.max(most, height), 0);
}

/** Takes all parts down to the target, the highest first; ends at the first that does not get there. */
function lowerAll(parts: readonly Part[], target: number, nodes: number, budget: Budget): 'found' | 'impossible' | 'open' {
  const own: Budget = { nodes, over: () => budget.over() };
  let result: 'found' | 'impossible' | 'open' = 'found';
  for (const part of parts.toSorted((a, b) => b.height - a.height)) {
    result = part.lower(target, own);
    if (result !== 'found') break;
  }
  budget.nodes -= nodes - own.nodes;
  return result;
}
