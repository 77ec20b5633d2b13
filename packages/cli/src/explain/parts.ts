import { formatBox, type Plan } from '@regrain/core-ir';
import { type Held, heldAt } from './memory.js';
import { hullOf, operationAt, scratchOwner } from './names.js';
import { lastRead, operationsAt, type RegionUses, usedAt } from './uses.js';

/** Whether the step at the moment reads or writes it, or it waits for a later one. */
export type PartState = 'in use' | 'waiting';

/** A region, or the working memory of a task, at one moment. */
export interface RegionPart {
  /** Absent for working memory. */
  readonly region?: number;
  readonly tensor: string;
  readonly box: string;
  readonly role: 'primary' | 'replica' | 'accumulator' | 'scratch';
  readonly bytes: number;
  readonly share: number;
  readonly state: PartState;
  readonly madeBy: string;
  /** Operations that read it at this moment or later. */
  readonly neededBy: readonly string[];
  /** Who lets it go: the last of its readers, `output` or `state`. */
  readonly keptFor: string;
  /** Times: 0 is before the run, step i counts from 1. */
  readonly since: number;
  readonly until: number;
}

export interface TensorPart {
  readonly tensor: string;
  readonly kind: 'input' | 'output' | 'activation' | 'scratch';
  readonly bytes: number;
  readonly share: number;
  readonly regions: number;
  /** The smallest box over its regions that live. */
  readonly box: string;
  /** Of its bytes: those that the step at the moment does not touch. */
  readonly waitingBytes: number;
  readonly madeBy: readonly string[];
  readonly neededBy: readonly string[];
  readonly since: number;
  readonly until: number;
}

/** Bytes by the operation that they are kept for: the last that reads them. */
export interface OperationPart {
  readonly operation: string;
  readonly bytes: number;
  readonly share: number;
  readonly regions: number;
}

export interface Parts {
  readonly time: number;
  readonly bytes: number;
  /** Largest first, each list; each sums to `bytes`. */
  readonly regions: readonly RegionPart[];
  readonly tensors: readonly TensorPart[];
  readonly operations: readonly OperationPart[];
}

export const OUTPUT = '(output, until the end)';
export const STATE = '(state, until the next run)';
const NOBODY = '(nobody)';

/** What lives at a time, by region, tensor and operation. */
export function partsAt(plan: Plan, spaces: readonly number[], uses: readonly RegionUses[], time: number): Parts {
  const held = heldAt(plan, spaces, time).filter(({ bytes }) => bytes > 0);
  const bytes = held.reduce((sum, each) => sum + each.bytes, 0);
  const regions = held.map((each) => regionPart(plan, uses, time, each, bytes)).sort((a, b) => b.bytes - a.bytes || a.since - b.since);
  return { time, bytes, regions, tensors: byTensor(plan, regions, bytes), operations: byOperation(regions, bytes) };
}

function regionPart(plan: Plan, uses: readonly RegionUses[], time: number, { placement, bytes }: Held, all: number): RegionPart {
  const { holds, first, last } = plan.placements[placement];
  const common = { bytes, share: bytes / all, since: first, until: last };
  if (!('region' in holds)) {
    const owner = scratchOwner(plan, holds.scratch);
    return {
      ...common,
      tensor: `scratch of ${owner}`,
      box: '',
      role: 'scratch',
      state: 'in use',
      madeBy: owner,
      neededBy: [owner],
      keptFor: owner,
    };
  }
  const { instance, box } = plan.decomposition.regions[holds.region];
  const { tensor, role } = plan.decomposition.instances[instance];
  const own = uses[holds.region];
  const reader = lastRead(own, time);
  const after = plan.steps.length < last;
  const keeper = reader === undefined ? undefined : operationAt(plan, reader);
  return {
    ...common,
    region: holds.region,
    tensor: plan.program.tensors[tensor].name,
    box: formatBox(box),
    role,
    state: usedAt(own, time) ? 'in use' : 'waiting',
    madeBy: plan.program.tensors[tensor].kind === 'input' ? 'the caller' : (operationsAt(plan, own.writes)[0] ?? NOBODY),
    neededBy: operationsAt(
      plan,
      own.reads.filter((read) => read >= time),
    ),
    keptFor: after ? (isState(plan, tensor) ? STATE : OUTPUT) : keeper === undefined ? NOBODY : plan.program.operations[keeper].name,
  };
}

function isState({ program }: Plan, tensor: number): boolean {
  return program.states.some(({ from, to }) => from.tensor === tensor || to.tensor === tensor);
}

function byTensor(plan: Plan, regions: readonly RegionPart[], all: number): TensorPart[] {
  const groups = grouped(regions, ({ tensor }) => tensor);
  const kinds = new Map(plan.program.tensors.map(({ name, kind }, id) => [name, plan.program.outputs.includes(id) ? 'output' : kind]));
  return [...groups]
    .map(([tensor, parts]): TensorPart => {
      const bytes = sum(parts);
      const kind = kinds.get(tensor);
      const boxes = parts.flatMap(({ region }) => (region === undefined ? [] : [plan.decomposition.regions[region].box]));
      return {
        tensor,
        kind: parts[0].role === 'scratch' ? 'scratch' : kind === 'output' || kind === 'input' ? kind : 'activation',
        bytes,
        share: bytes / all,
        regions: parts.length,
        box: boxes.length === 0 ? '' : formatBox(hullOf(boxes)),
        waitingBytes: sum(parts.filter(({ state }) => state === 'waiting')),
        madeBy: [...new Set(parts.map(({ madeBy }) => madeBy))],
        neededBy: [...new Set(parts.flatMap(({ neededBy, keptFor }) => (neededBy.length > 0 ? neededBy : [keptFor])))],
        since: Math.min(...parts.map(({ since }) => since)),
        until: Math.max(...parts.map(({ until }) => until)),
      };
    })
    .sort((a, b) => b.bytes - a.bytes);
}

function byOperation(regions: readonly RegionPart[], all: number): OperationPart[] {
  return [...grouped(regions, ({ keptFor }) => keptFor)]
    .map(([operation, parts]) => ({ operation, bytes: sum(parts), share: sum(parts) / all, regions: parts.length }))
    .sort((a, b) => b.bytes - a.bytes);
}

function sum(parts: readonly { readonly bytes: number }[]): number {
  return parts.reduce((total, { bytes }) => total + bytes, 0);
}

function grouped<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
}
