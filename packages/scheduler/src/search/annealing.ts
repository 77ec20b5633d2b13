import { floorOf } from './floor.js';
import { leastPeak } from './least-peak.js';
import { MovableOrder } from './movable-order.js';
import type { Problem } from './problem.js';

export interface AnnealOptions {
  /** Moves of a task that are tried. */
  readonly moves: number;
  /** Tasks of a stretch that is ordered anew; 0 for none. */
  readonly window: number;
  readonly random: () => number;
  readonly check: () => void;
}

/** A task moves by so many positions at most. */
const FARTHEST = 48;
/** Every so many moves the stretch around the peak is ordered anew. */
const RESOLVE_EVERY = 64;
/** Sets that ordering a stretch anew may look at. */
const STATES = 400;
/** The energy of a position is its live bytes ÷ the first peak, to this power: near the maximum, but it tells plateaus apart. */
const POWER = 16;
/** Temperatures, first and last: changes of energy that are taken with a chance of 1 in e. */
const HOT = 0.3;
const COLD = 0.003;

/**
 * Lowers the peak of an order by seeded simulated annealing (Kirkpatrick, Gelatt & Vecchi 1983): a task moves within the range that its
 * neighbours in the graph allow, half of them near the peak. In between, a stretch around the peak is destroyed and ordered anew by the
 * exact search (large neighbourhoods, Shaw 1998). Returns the best order on the way; never worse than the first.
 */
export function anneal(problem: Problem, start: Int32Array, floor: number, options: AnnealOptions): Int32Array {
  const bound = Math.max(floor, floorOf(problem));
  const state = new MovableOrder(problem, start);
  const tasks = start.length;
  const scale = state.peak;
  const energy = (bytes: number): number => (bytes / scale) ** POWER;
  const { random } = options;
  let best = start.slice();
  let least = state.peak;
  const keep = (): void => {
    if (state.peak >= least) return;
    least = state.peak;
    best = state.order.slice();
  };
  const stretch = new Int32Array(FARTHEST + 1);
  for (let move = 0; move < options.moves && least > bound; move++) {
    if (move % RESOLVE_EVERY === 0) {
      options.check();
      if (options.window > 1) orderAnew(state, bound, options);
      keep();
    }
    const around = random() < 0.5 ? state.peakAt + Math.floor((random() - 0.5) * FARTHEST) : Math.floor(random() * tasks);
    const at = Math.min(tasks - 1, Math.max(0, around));
    const [low, high] = state.range(at);
    const [from, to] = [Math.max(low, at - FARTHEST), Math.min(high, at + FARTHEST)];
    const target = from + Math.floor(random() * (to - from + 1));
    if (target === at) continue;
    const [first, last] = target < at ? [target, at] : [at, target];
    const moved = stretch.subarray(0, last - first + 1);
    if (target < at) {
      moved[0] = state.order[at];
      moved.set(state.order.subarray(first, last), 1);
    } else {
      moved.set(state.order.subarray(first + 1, last + 1));
      moved[last - first] = state.order[at];
    }
    state.try(moved, first);
    let change = 0;
    for (let k = first; k <= last; k++) change += energy(state.triedDuring[k]) - energy(state.during[k]);
    const temperature = HOT * (COLD / HOT) ** (move / options.moves);
    if (change > 0 && random() >= Math.exp(-change / temperature)) continue;
    state.take(moved, first);
    keep();
  }
  return best;
}

/** Orders a stretch around the peak so that its own peak is least. */
function orderAnew(state: MovableOrder, floor: number, { window, random, check }: AnnealOptions): void {
  const tasks = state.order.length;
  const length = Math.min(tasks, 2 + Math.floor(random() * (window - 1)));
  const first = Math.min(tasks - length, Math.max(0, state.peakAt - Math.floor(random() * length)));
  const problem = state.stretch(first, first + length);
  const { order } = leastPeak(problem, state.peak, floor, { states: STATES, check });
  if (!order) return;
  const tasksOf = order.map((k) => state.order[first + k]);
  state.try(tasksOf, first);
  state.take(tasksOf, first);
}
