import { PluginError } from '../../errors.js';
import type { Touches } from '../../expand/touches.js';
import type { Residency } from '../../extension-points/mover.js';
import type { Constraint } from '../../ir/constraint.js';
import type { Decomposition } from '../../ir/decomposition.js';
import type { Machine } from '../../ir/machine.js';
import type { Step } from '../../ir/plan.js';
import type { Program } from '../../ir/program.js';
import type { Schedule } from '../../ir/schedule.js';
import { InputAccesses } from '../input-access.js';

export interface Movement {
  readonly steps: readonly Step[];
  readonly residencies: readonly Residency[];
}

/**
 * A mover's result: the schedule's tasks in their order, every region that a step uses in a space that its engine reaches while the
 * step runs, outputs to the end, no bytes for constants and external inputs. That values are up to date is the verifier's business.
 */
export function checkMovement(
  plugin: string,
  program: Program,
  work: Decomposition,
  touches: Touches,
  schedule: Schedule,
  { steps, residencies }: Movement,
  machine: Machine,
  constraints: readonly Constraint[],
): void {
  new MovementCheck(plugin, program, work, machine, constraints, steps, residencies).run(touches, schedule);
}

class MovementCheck {
  /** Residencies of each region, by first step. */
  private readonly ofRegion: number[][];

  constructor(
    private readonly plugin: string,
    private readonly program: Program,
    private readonly work: Decomposition,
    private readonly machine: Machine,
    private readonly constraints: readonly Constraint[],
    private readonly steps: readonly Step[],
    private readonly residencies: readonly Residency[],
  ) {
    this.ofRegion = work.regions.map(() => []);
  }

  run(touches: Touches, schedule: Schedule): void {
    this.residencies.forEach((_, r) => {
      this.residency(r);
    });
    this.pins();
    this.order(schedule);
    this.steps.forEach((step, i) => {
      const reach = this.machine.engines[step.engine].spaces;
      if (step.kind === 'move') this.move(step.from, step.to, i, reach);
      else
        for (let e = touches.row[step.task]; e < touches.row[step.task + 1]; e++) {
          this.need(touches.region[e], i + 1, reach, `task ${this.taskName(step.task)}`);
        }
    });
    this.ends();
  }

  private fail(invariant: string): never {
    throw new PluginError(this.plugin, invariant);
  }

  private residency(r: number): void {
    const { holds, space, bytes, first, last, with: tie } = this.residencies[r];
    const end = this.steps.length + 1;
    if (!this.machine.spaces[space]) this.fail(`a placement is in a space of the machine, but placement ${r} is in space ${space}`);
    if (!(Number.isInteger(first) && Number.isInteger(last) && first >= 0 && first <= last && last <= end))
      this.fail(`a placement lives from first to last within 0 … ${end}, but placement ${r} lives from ${first} to ${last}`);
    if ('scratch' in holds) {
      if (!this.work.tasks[holds.scratch]) this.fail(`scratch belongs to a task, but that of placement ${r} to task ${holds.scratch}`);
    } else {
      const region = this.work.regions[holds.region];
      if (!region) this.fail(`a placement holds a region, but placement ${r} holds region ${holds.region}`);
      if (bytes !== region.bytes) this.fail(`a placement has its region's ${region.bytes} bytes, but placement ${r} has ${bytes}`);
      if (this.program.tensors[this.work.instances[region.instance].tensor].kind === 'constant')
        this.fail(`constants are never placed, but placement ${r} holds a region of ${this.regionName(holds.region)}`);
      this.ofRegion[holds.region].push(r);
    }
    if (!tie) return;
    const other = this.residencies[tie.placement];
    if (!other || tie.placement === r || other.space !== space)
      this.fail(`"with" names another placement of the same space, but that of placement ${r} names ${tie.placement}`);
  }

  private pins(): void {
    for (const constraint of this.constraints) {
      if (constraint.kind !== 'pin') continue;
      const space = this.machine.spaces.findIndex(({ name }) => name === constraint.space);
      for (const [r, { holds, space: used }] of this.residencies.entries()) {
        if ('scratch' in holds || used === space) continue;
        const { tensor, role } = this.work.instances[this.work.regions[holds.region].instance];
        if (role === 'primary' && this.program.tensors[tensor].name === constraint.tensor)
          this.fail(`a pinned tensor stays in its space, but placement ${r} of ${constraint.tensor} is not in ${constraint.space}`);
      }
    }
  }

  private order({ order, engine }: Schedule): void {
    let next = 0;
    this.steps.forEach((step, i) => {
      for (const wait of step.waits) {
        if (!(Number.isInteger(wait) && wait >= 0 && wait < i)) this.fail(`a step waits for earlier steps, but step ${i} for ${wait}`);
      }
      if (step.kind === 'move') {
        if (this.machine.engines[step.engine]?.runs !== 'moves') this.fail(`a move is on an engine that runs moves, but step ${i} is not`);
        return;
      }
      if (step.task !== order[next] || step.engine !== engine[next])
        this.fail(
          `steps run the scheduled tasks in their order on their engines, but step ${i} runs task ${step.task} on engine ${step.engine}`,
        );
      next++;
    });
    if (next !== order.length) this.fail(`steps run all ${order.length} tasks, but these run ${next}`);
  }

  private move(from: number, to: number, i: number, reach: readonly number[]): void {
    const [a, b] = [this.residencies[from], this.residencies[to]];
    if (!a || !b || 'scratch' in a.holds || 'scratch' in b.holds || a.holds.region !== b.holds.region)
      this.fail(`a move goes from one placement of a region to another, but step ${i} goes from ${from} to ${to}`);
    for (const [which, { first, last, space }] of [
      [from, a],
      [to, b],
    ] as const) {
      if (first > i + 1 || last < i + 1) this.fail(`both placements of a move live while it runs, but ${which} of step ${i} does not`);
      if (!reach.includes(space)) this.fail(`a move's engine reaches both spaces, but that of step ${i} not space ${space}`);
    }
  }

  private need(region: number, time: number, reach: readonly number[], who: string): void {
    for (const r of this.ofRegion[region]) {
      const { first, last, space } = this.residencies[r];
      if (first <= time && time <= last && reach.includes(space)) return;
    }
    this.fail(`what a task uses is placed where its engine reaches while it runs, but ${this.regionName(region)} is not for ${who}`);
  }

  private ends(): void {
    const end = this.steps.length + 1;
    const outputs = new Set(this.program.outputs);
    const inputs = new InputAccesses(this.program, this.constraints);
    this.work.regions.forEach(({ instance }, region) => {
      const { tensor, role } = this.work.instances[instance];
      const placed = this.ofRegion[region];
      if (role !== 'primary') return;
      if (outputs.has(tensor) && this.program.tensors[tensor].kind === 'computed' && !placed.some((r) => this.residencies[r].last === end))
        this.fail(`outputs are held until the end, but ${this.regionName(region)} is not`);
      const access = inputs.of(tensor);
      if (access === 'external' && placed.some((r) => this.machine.spaces[this.residencies[r].space].counted))
        this.fail(`an external input takes no bytes of a counted space, but ${this.regionName(region)} does`);
      if (access === 'resident' && placed.length > 0 && !placed.some((r) => this.residencies[r].first === 0))
        this.fail(`resident inputs are there from the start, but ${this.regionName(region)} is not`);
      if (access === 'streamed' && placed.some((r) => this.residencies[r].first === 0))
        this.fail(`a streamed input arrives during the run, but ${this.regionName(region)} is there before it`);
    });
  }

  private regionName(region: number): string {
    const { instance, box } = this.work.regions[region];
    return `${this.program.tensors[this.work.instances[instance].tensor].name}[${box.map(([lo, hi]) => `${lo}:${hi}`).join(', ')}]`;
  }

  private taskName(task: number): string {
    return `${task} (${this.program.operations[this.work.tasks[task].operation].name})`;
  }
}
