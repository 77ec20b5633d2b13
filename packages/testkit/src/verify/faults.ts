import type { Box, Plan, PlanFault } from '@regrain/core-ir';

/** Collects faults, at most `LIMIT` per rule; every further one is only counted. */
export class Faults {
  private readonly found: PlanFault[] = [];
  private readonly counts = new Map<string, number>();

  add(rule: string, message: string): void {
    const count = (this.counts.get(rule) ?? 0) + 1;
    this.counts.set(rule, count);
    if (count <= LIMIT) this.found.push({ rule, message });
  }

  get any(): boolean {
    return this.found.length > 0;
  }

  has(rule: string): boolean {
    return this.counts.has(rule);
  }

  list(): readonly PlanFault[] {
    const more = [...this.counts].filter(([, count]) => count > LIMIT);
    return [...this.found, ...more.map(([rule, count]) => ({ rule, message: `… and ${count - LIMIT} more faults of rule ${rule}` }))];
  }
}

const LIMIT = 20;

/** Names for messages. */
export class Names {
  constructor(private readonly plan: Plan) {}

  box(box: Box): string {
    return `[${box.map(([lo, hi]) => `${lo}:${hi}`).join(', ')}]`;
  }

  task(task: number): string {
    const { operation, box, phase } = this.plan.decomposition.tasks[task];
    return `task ${task} (${this.plan.program.operations[operation]?.name ?? '?'}${this.box(box)}${phase ? ` ${phase}` : ''})`;
  }

  instance(instance: number): string {
    const { tensor, role } = this.plan.decomposition.instances[instance];
    const name = this.plan.program.tensors[tensor]?.name ?? `tensor ${tensor}`;
    return role === 'primary' ? name : `${name} (${role} ${instance})`;
  }

  region(region: number): string {
    const { instance, box } = this.plan.decomposition.regions[region];
    return `region ${region} (${this.instance(instance)}${this.box(box)})`;
  }

  placement(placement: number): string {
    const { holds, space, offset, bytes, first, last } = this.plan.placements[placement];
    const what = 'region' in holds ? this.region(holds.region) : `scratch of ${this.task(holds.scratch)}`;
    return `${what} at ${this.plan.machine.spaces[space]?.name ?? space}+${offset} (${bytes} bytes, times ${first} to ${last})`;
  }

  step(step: number): string {
    const at = this.plan.steps[step];
    if (at.kind === 'task') return `step ${step}, ${this.task(at.task)}`;
    const { holds } = this.plan.placements[at.from];
    return `step ${step}, move of ${'region' in holds ? this.region(holds.region) : 'scratch'}`;
  }
}
