import type { Plan } from '@regrain/core-ir';
import { finestCut } from './finest.js';
import { type Gap, gapsOf } from './gap.js';
import { leversOf, type TensorLever } from './lower.js';
import { countedSpaces, liveOver, worstTime } from './memory.js';
import { type Moment, momentAt, nextMoment } from './moments.js';
import { operationAt } from './names.js';
import { type Parts, partsAt } from './parts.js';
import { usesOf } from './uses.js';

/** What the peak of a plan is made of, and what each part of it is worth. */
export interface PeakExplanation {
  readonly spaces: readonly string[];
  readonly steps: number;
  /** The first moment of the peak. */
  readonly at: Moment;
  /** At how many moments as many bytes live, this one included. */
  readonly times: number;
  /** Moments at which nearly as much lives (`NEAR`), and the operations that run then, in program order. */
  readonly near: { readonly moments: number; readonly operations: readonly string[] };
  readonly parts: Parts;
  readonly gaps: readonly Gap[];
  readonly arenaBytes: number;
  /** The highest moment at which none of the peak's tensors lives; absent where one of them lives at every other moment. */
  readonly next?: Moment;
  readonly levers: readonly TensorLever[];
  /** If every element lived only from its first write to its last read, in this order: the limit of finer cuts. */
  readonly finest: Moment;
}

/** What counts as the peak, too. */
export const NEAR = 0.02;

export function explainPeak(plan: Plan): PeakExplanation {
  const spaces = countedSpaces(plan.machine);
  const live = liveOver(plan, spaces);
  const uses = usesOf(plan);
  const at = momentAt(plan, live, worstTime(live));
  const parts = partsAt(plan, spaces, uses, at.time);
  const gaps = gapsOf(plan, spaces);
  const there = new Set(parts.tensors.map(({ tensor }) => plan.program.tensors.findIndex(({ name }) => name === tensor)));
  return {
    spaces: spaces.map((space) => plan.machine.spaces[space].name),
    steps: plan.steps.length,
    at,
    times: live.reduce((count, bytes) => (bytes === at.bytes ? count + 1 : count), 0),
    near: nearby(plan, live, at.bytes * (1 - NEAR)),
    parts,
    gaps,
    arenaBytes: gaps.reduce((sum, gap) => sum + gap.arenaBytes, 0),
    next: nextMoment(plan, spaces, there),
    levers: leversOf(plan, spaces, uses, parts),
    finest: finestCut(plan, spaces),
  };
}

function nearby(plan: Plan, live: Float64Array, least: number): PeakExplanation['near'] {
  const operations = new Set<number>();
  let moments = 0;
  for (let t = 0; t < live.length; t++) {
    if (live[t] < least) continue;
    moments++;
    const operation = operationAt(plan, t);
    if (operation !== undefined) operations.add(operation);
  }
  return { moments, operations: [...operations].sort((a, b) => a - b).map((operation) => plan.program.operations[operation].name) };
}
