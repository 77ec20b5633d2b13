import { formatBox, type Placement, type Plan } from '@regrain/core-ir';
import { countedSpaces, liveBytes } from './live-bytes.js';

export interface PeakPart {
  readonly what: string;
  readonly bytes: number;
}

export interface Peak {
  readonly step: number;
  readonly bytes: number;
  /** The task that runs then. */
  readonly task: string;
  /** Largest first. */
  readonly parts: readonly PeakPart[];
}

/** What lives in the counted spaces at the worst step. */
export function peakOf(plan: Plan): Peak | undefined {
  const { bytes } = liveBytes(plan);
  if (bytes.length === 0) return undefined;
  let at = 0;
  for (let i = 1; i < bytes.length; i++) if (bytes[i] > bytes[at]) at = i;
  const counted = countedSpaces(plan.machine);
  const living = plan.placements.filter(({ first, last, space }) => counted.includes(space) && first <= at + 1 && at + 1 <= last);
  const parts = living.map((placement) => ({ what: nameOf(plan, placement), bytes: placement.bytes }));
  parts.sort((a, b) => b.bytes - a.bytes);
  return { step: at, bytes: bytes[at], task: stepName(plan, at), parts };
}

function nameOf({ program, decomposition }: Plan, { holds }: Placement): string {
  if ('scratch' in holds) return `scratch of ${program.operations[decomposition.tasks[holds.scratch].operation].name}`;
  const region = decomposition.regions[holds.region];
  const instance = decomposition.instances[region.instance];
  const role = instance.role === 'primary' ? '' : ` (${instance.role})`;
  return `${program.tensors[instance.tensor].name}${formatBox(region.box)}${role}`;
}

function stepName({ steps, program, decomposition }: Plan, at: number): string {
  const step = steps[at];
  if (step.kind === 'move') return `move ${at}`;
  const task = decomposition.tasks[step.task];
  return `${program.operations[task.operation].name}${formatBox(task.box)}`;
}
