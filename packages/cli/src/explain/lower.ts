import { type Box, domainBox, type Plan, subtractAll, volume } from '@regrain/core-ir';
import { liveOver, worstTime } from './memory.js';
import { type Moment, momentAt, tensorOf, worstWithout } from './moments.js';
import type { Parts, TensorPart } from './parts.js';
import type { RegionUses } from './uses.js';

/** What would become of the peak if one of its tensors took fewer bytes, all else as it is. */
export interface TensorLever {
  readonly tensor: string;
  /** Without it: in a second memory, say. No change to this tensor alone can do better. */
  readonly without: Moment;
  /** If its regions were there only while a step touches them: fetched from elsewhere, or computed again for every reader. */
  readonly onDemand: Moment;
  /** Of its bytes at the peak: what no step from there on reads. A finer cut lets go of them. */
  readonly doneBytes: number;
  /** Multiply-accumulates of computing it once more, as a share of the program's; absent for inputs and for what has none. */
  readonly macShare?: number;
}

/** Tensors that are worth a line. */
const SHARE = 0.02;
const MOST = 8;

export function leversOf(plan: Plan, spaces: readonly number[], uses: readonly RegionUses[], parts: Parts): readonly TensorLever[] {
  return parts.tensors
    .filter(({ kind, share }) => kind !== 'scratch' && share >= SHARE)
    .slice(0, MOST)
    .map((part) => leverOf(plan, spaces, uses, parts, part));
}

function leverOf(
  plan: Plan,
  spaces: readonly number[],
  uses: readonly RegionUses[],
  { time, regions }: Parts,
  part: TensorPart,
): TensorLever {
  const tensor = plan.program.tensors.findIndex(({ name }) => name === part.tensor);
  const own = (region: number): boolean => tensorOf(plan, region) === tensor;
  return {
    tensor: part.tensor,
    without: worstWithout(plan, spaces, ({ holds }) => 'region' in holds && own(holds.region)),
    onDemand: onDemand(plan, spaces, uses, tensor),
    doneBytes: regions.reduce(
      (sum, { region, bytes, until }) =>
        region !== undefined && own(region) && until <= plan.steps.length ? sum + Math.min(bytes, doneBytes(plan, region, time)) : sum,
      0,
    ),
    macShare: macShare(plan, tensor),
  };
}

/** The worst moment if the tensor's regions lived only at steps that touch them. */
function onDemand(plan: Plan, spaces: readonly number[], uses: readonly RegionUses[], tensor: number): Moment {
  const leave = (region: number): boolean => tensorOf(plan, region) === tensor;
  const live = liveOver(plan, spaces, ({ holds }) => !('region' in holds && leave(holds.region)));
  for (const { holds, space, bytes, first, last } of plan.placements) {
    if (!('region' in holds) || !leave(holds.region) || !spaces.includes(space)) continue;
    const { reads, writes } = uses[holds.region];
    for (const time of new Set([...reads, ...writes])) if (first <= time && time <= last) live[time] += bytes;
    // What must be there when the run ends stays.
    if (last > plan.steps.length) live[last] += bytes;
  }
  return momentAt(plan, live, worstTime(live));
}

/** Bytes of a region that no task from this time on reads. */
function doneBytes({ decomposition, steps }: Plan, region: number, time: number): number {
  const { instance, box, bytes } = decomposition.regions[region];
  const needed: Box[] = [];
  for (let i = Math.max(0, time - 1); i < steps.length; i++) {
    const step = steps[i];
    if (step.kind !== 'task') continue;
    for (const access of decomposition.tasks[step.task].accesses) if (access.instance === instance) needed.push(access.box);
  }
  const rest = subtractAll(box, needed).reduce((sum, piece) => sum + volume(piece), 0);
  return Math.round((rest * bytes) / Math.max(1, volume(box)));
}

function macShare({ program }: Plan, tensor: number): number | undefined {
  let all = 0;
  let own = 0;
  for (const operation of program.operations) {
    all += operation.macs;
    if (volume(domainBox(operation)) > 0 && operation.operands.some((operand) => operand.tensor === tensor && operand.mode !== 'read'))
      own += operation.macs;
  }
  return own > 0 && all > 0 ? own / all : undefined;
}
