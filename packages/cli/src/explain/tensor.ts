import { ELEMENT_BYTES, formatBox, intersect, type Maker, type Observations, type Plan, tensorBytes, volume } from '@regrain/core-ir';
import { type AxisCut, cutsOf, grainChoices } from './cuts.js';
import { type EditRound, roundsOf } from './edits.js';
import { countedSpaces, liveOver, worstTime } from './memory.js';
import { type Moment, momentAt, tensorOf } from './moments.js';
import { operationsAt, usesOf } from './uses.js';

/** What is placed of one region. */
export interface PlacedRegion {
  readonly space: string;
  readonly offset: number;
  readonly bytes: number;
  /** Times: 0 is before the run, step i counts from 1. */
  readonly since: number;
  readonly until: number;
}

/** How regions are used; the times that tasks waited only where an execution was observed. */
export interface Usage {
  readonly bytesWritten: number;
  readonly bytesRead: number;
  /** Bytes read ÷ bytes written. */
  readonly reuse?: number;
  readonly accesses: number;
  /** Time that tasks waited for it ÷ time of the tasks that touch it. */
  readonly contention?: number;
}

export interface UserOfTensor {
  readonly operation: string;
  readonly type: string;
  /** Steps that touch it. */
  readonly tasks: number;
}

export interface TensorExplanation {
  readonly tensor: string;
  readonly kind: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: number;
  /** Who cut it; absent where the plan does not say. */
  readonly decomposer?: Maker;
  readonly cuts: readonly AxisCut[];
  readonly choices: readonly string[];
  /** Of the primary storage. */
  readonly regions: number;
  readonly regionBytes: { readonly least: number; readonly most: number };
  /** Regions of copies that are computed again, and of accumulators. */
  readonly replicas: number;
  readonly accumulators: number;
  readonly writers: readonly UserOfTensor[];
  readonly readers: readonly UserOfTensor[];
  readonly since?: number;
  readonly until?: number;
  /** Steps that a region lives. */
  readonly life?: { readonly mean: number; readonly most: number };
  /** The most of it that lives at once. */
  readonly most?: Moment;
  readonly usage: Usage;
  readonly rounds: readonly EditRound[];
  readonly atPeak: { readonly bytes: number; readonly regions: readonly number[] };
}

export interface RegionExplanation {
  readonly region: number;
  readonly name: string;
  readonly role: string;
  readonly box: string;
  readonly bytes: number;
  readonly placements: readonly PlacedRegion[];
  /** Steps, from 1. */
  readonly writes: readonly number[];
  readonly reads: readonly number[];
  readonly writers: readonly string[];
  readonly readers: readonly string[];
  /** Steps in which it lies unused between its first and its last use. */
  readonly idleSteps: number;
  readonly usage: Usage;
  readonly rounds: readonly EditRound[];
  /** The tensor that it is part of. */
  readonly of: TensorExplanation;
}

export function explainTensor(plan: Plan, tensor: number, seen?: Observations): TensorExplanation {
  const { program, decomposition, placements, made } = plan;
  const { name, kind, dtype, shape } = program.tensors[tensor];
  const ids = decomposition.regions.flatMap((_, r) => (tensorOf(plan, r) === tensor ? [r] : []));
  const role = (r: number): string => decomposition.instances[decomposition.regions[r].instance].role;
  const primary = ids.filter((r) => role(r) === 'primary');
  const uses = usesOf(plan);
  const spaces = countedSpaces(plan.machine);
  const lives = placements.filter(({ holds }) => 'region' in holds && tensorOf(plan, holds.region) === tensor);
  const peak = worstTime(liveOver(plan, spaces));
  const own = liveOver(plan, spaces, (placement) => lives.includes(placement));
  const there = lives.filter(({ space, first, last }) => spaces.includes(space) && first <= peak && peak <= last);
  const sizes = primary.map((r) => decomposition.regions[r].bytes);
  const spans = lives.map(({ first, last }) => last - first + 1);
  return {
    tensor: name,
    kind: program.outputs.includes(tensor) ? 'output' : kind,
    dtype,
    shape,
    bytes: tensorBytes(program.tensors[tensor]),
    decomposer: made?.['decompose'],
    cuts: cutsOf(
      primary.map((r) => decomposition.regions[r].box),
      shape,
    ),
    choices: grainChoices(plan, tensor),
    regions: primary.length,
    regionBytes: { least: least(sizes), most: most(sizes) },
    replicas: ids.filter((r) => role(r) === 'replica').length,
    accumulators: ids.filter((r) => role(r) === 'accumulator').length,
    writers: usersOf(
      plan,
      ids.flatMap((r) => uses[r].writes),
    ),
    readers: usersOf(
      plan,
      ids.flatMap((r) => uses[r].reads),
    ),
    ...(lives.length === 0
      ? {}
      : {
          since: least(lives.map(({ first }) => first)),
          until: most(lives.map(({ last }) => last)),
          life: { mean: spans.reduce((sum, span) => sum + span, 0) / spans.length, most: most(spans) },
          most: momentAt(plan, own, worstTime(own)),
        }),
    usage: usageOf(plan, ids, seen),
    rounds: roundsOf(plan, tensor),
    atPeak: {
      bytes: own[peak],
      regions: there.flatMap(({ holds }) => ('region' in holds ? [holds.region] : [])),
    },
  };
}

export function explainRegion(plan: Plan, region: number, seen?: Observations): RegionExplanation {
  const { decomposition, placements, machine, program } = plan;
  const { instance, box, bytes } = decomposition.regions[region];
  const { tensor, role } = decomposition.instances[instance];
  const { reads, writes } = usesOf(plan)[region];
  const own = placements.filter(({ holds }) => 'region' in holds && holds.region === region);
  const used = new Set([...reads, ...writes]);
  const lived = own.reduce((sum, { first, last }) => sum + Math.min(last, plan.steps.length) - Math.max(first, 1) + 1, 0);
  return {
    region,
    name: `${program.tensors[tensor].name}${formatBox(box)}`,
    role,
    box: formatBox(box),
    bytes,
    placements: own.map(({ space, offset, bytes: held, first, last }) => ({
      space: machine.spaces[space].name,
      offset,
      bytes: held,
      since: first,
      until: last,
    })),
    writes,
    reads,
    writers: operationsAt(plan, writes),
    readers: operationsAt(plan, reads),
    idleSteps: Math.max(0, lived - used.size),
    usage: usageOf(plan, [region], seen),
    rounds: roundsOf(plan, tensor, box),
    of: explainTensor(plan, tensor, seen),
  };
}

/** By operation, in the order of their first step. */
function usersOf({ program, decomposition, steps }: Plan, times: readonly number[]): UserOfTensor[] {
  const tasks = new Map<number, number>();
  for (const time of [...new Set(times)].sort((a, b) => a - b)) {
    const step = steps[time - 1];
    if (step.kind !== 'task') continue;
    const { operation } = decomposition.tasks[step.task];
    tasks.set(operation, (tasks.get(operation) ?? 0) + 1);
  }
  return [...tasks].map(([operation, count]) => ({
    operation: program.operations[operation].name,
    type: program.operations[operation].type,
    tasks: count,
  }));
}

/** By the tasks' access boxes; O(accesses × regions of the tensor that they meet). */
function usageOf({ decomposition }: Plan, regions: readonly number[], seen?: Observations): Usage {
  const byInstance = new Map<number, number[]>();
  for (const r of regions) {
    const { instance } = decomposition.regions[r];
    const list = byInstance.get(instance);
    if (list) list.push(r);
    else byInstance.set(instance, [r]);
  }
  let bytesRead = 0;
  let bytesWritten = 0;
  let accesses = 0;
  for (const task of decomposition.tasks) {
    for (const { instance, box, mode } of task.accesses) {
      for (const r of byInstance.get(instance) ?? []) {
        const common = intersect(box, decomposition.regions[r].box);
        if (!common) continue;
        accesses++;
        const bytes = volume(common) * ELEMENT_BYTES[decomposition.instances[instance].dtype];
        if (mode !== 'write') bytesRead += bytes;
        if (mode !== 'read') bytesWritten += bytes;
      }
    }
  }
  const waited = seen ? regions.reduce((sum, r) => sum + seen.waited[r], 0) : 0;
  const busy = seen ? regions.reduce((sum, r) => sum + seen.busy[r], 0) : 0;
  return {
    bytesWritten,
    bytesRead,
    ...(bytesWritten > 0 ? { reuse: bytesRead / bytesWritten } : {}),
    accesses,
    ...(busy > 0 ? { contention: waited / busy } : {}),
  };
}

function least(values: readonly number[]): number {
  if (values.length === 0) return 0;
  return values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
}

function most(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b), 0);
}
