import { type Box, formatBox, hull, type Placement, type Plan } from '@regrain/core-ir';

/** Names that people read; times are those of placements: 0 before the run, step i at i + 1. */
export function timeName(plan: Plan, time: number): string {
  if (time < 1) return 'before the run';
  if (time > plan.steps.length) return 'after the run';
  const step = plan.steps[time - 1];
  if (step.kind === 'move') return `a move of ${holdsName(plan, plan.placements[step.from])}`;
  const { operation, box, phase } = plan.decomposition.tasks[step.task];
  return `${plan.program.operations[operation].name}${formatBox(box)}${phase ? ` (${phase})` : ''}`;
}

/** The operation that runs at a time; undefined for moves and outside the run. */
export function operationAt({ steps, decomposition }: Plan, time: number): number | undefined {
  const step = steps[time - 1];
  return step?.kind === 'task' ? decomposition.tasks[step.task].operation : undefined;
}

export function regionName({ program, decomposition }: Plan, region: number): string {
  const { instance, box } = decomposition.regions[region];
  const { tensor, role } = decomposition.instances[instance];
  return `${program.tensors[tensor].name}${formatBox(box)}${role === 'primary' ? '' : ` (${role})`}`;
}

export function holdsName(plan: Plan, { holds }: Placement): string {
  return 'region' in holds ? regionName(plan, holds.region) : `scratch of ${scratchOwner(plan, holds.scratch)}`;
}

export function scratchOwner({ program, decomposition }: Plan, task: number): string {
  return program.operations[decomposition.tasks[task].operation].name;
}

/** The smallest box over all: `[0:1, 0:96, 107:111, 0:112]`. */
export function hullOf(boxes: readonly Box[]): Box {
  return boxes.reduce((all, box) => hull(all, box));
}

/** `Conv_62`, `Conv_62, Add_63` or `Conv_62 and 3 more`. */
export function listed(names: readonly string[], most = 2): string {
  if (names.length <= most) return names.join(', ');
  return `${names.slice(0, most - 1).join(', ')} and ${names.length - most + 1} more`;
}
