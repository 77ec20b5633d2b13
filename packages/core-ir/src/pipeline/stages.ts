import { programOf } from '../expand/copies.js';
import { expand } from '../expand/expand.js';
import { touchedRegions } from '../expand/touches.js';
import { Allocator } from '../extension-points/allocator.js';
import { Decomposer } from '../extension-points/decomposer.js';
import { DependenceAnalyzer } from '../extension-points/dependence-analyzer.js';
import { HardwareTarget } from '../extension-points/hardware-target.js';
import { Mover } from '../extension-points/mover.js';
import { Scheduler } from '../extension-points/scheduler.js';
import type { Grain } from '../ir/grain.js';
import type { Machine } from '../ir/machine.js';
import type { Observations } from '../ir/observations.js';
import type { Plan } from '../ir/plan.js';
import type { Program } from '../ir/program.js';
import { metricsOf } from '../plan/metrics.js';
import { type Choice, choicesOf } from '../plugin/choice.js';
import type { Point } from '../plugin/points.js';
import { allocate } from './allocate.js';
import { checkDependences } from './checks/dependences.js';
import { checkGrain } from './checks/grain.js';
import { checkMovement, type Movement } from './checks/movement.js';
import { checkSchedule } from './checks/schedule.js';
import { type Draft, type Drafted, having } from './draft.js';
import { mostPromising } from './estimate.js';
import { InputAccesses } from './input-access.js';
import { checkOrders } from './orders.js';
import { pinnedOffsets } from './packing.js';
import { withoutTornTies } from './pinned-ties.js';
import type { Run } from './run.js';

/** One step on the way from program to plan: which plugins do it, and how a draft takes their result. */
export interface Stage {
  readonly name: string;
  readonly point: Point;
  readonly choices: (run: Run) => readonly Choice[];
  /** Thins out the drafts before the stage runs. */
  readonly sift?: (run: Run, drafts: readonly Draft[]) => readonly Draft[];
  readonly apply: (run: Run, draft: Draft, choice: Choice) => Promise<Draft>;
}

/** The pipeline, in its order. Of a list of choices each makes a draft of its own; the best by the objective is kept at the end. */
export const STAGES: readonly Stage[] = [
  { name: 'decompose', point: Decomposer, choices: ({ pipeline }) => choicesOf(pipeline.decompose), apply: decompose },
  { name: 'analyze', point: DependenceAnalyzer, choices: ({ pipeline }) => [pipeline.analyze], apply: analyze },
  { name: 'schedule', point: Scheduler, choices: ({ pipeline }) => choicesOf(pipeline.schedule), apply: schedule },
  { name: 'move', point: Mover, choices: ({ pipeline }) => [pipeline.move], apply: move },
  {
    name: 'allocate',
    point: Allocator,
    choices: ({ pipeline }) => choicesOf(pipeline.allocate),
    sift: mostPromising,
    apply: allocateDraft,
  },
  { name: 'execute', point: HardwareTarget, choices: ({ options }) => [options.target], apply: execute },
];

async function decompose(run: Run, draft: Draft, choice: Choice): Promise<Draft> {
  const decomposer = run.plugin(Decomposer, choice);
  const grain = await run.call('decompose', Decomposer, choice, (context) => decomposer.decompose(run.program, context));
  return withChecked(run, draft, choice, grain);
}

/** The same of a grain that the choice made. */
export async function withChecked(run: Run, draft: Draft, choice: Choice, grain: Grain): Promise<Draft> {
  checkGrain(run.registry.label(Decomposer, choice), run.program, grain);
  return withGrain(run, draft, grain);
}

/** Regions and tasks of a grain, and which tasks touch which regions. */
export async function withGrain(run: Run, draft: Draft, chosen: Grain): Promise<Draft> {
  return run.timed('expand', () => {
    const grain = inStorageOrder(run.program, chosen, run.machine);
    const work = expand(run.program, grain);
    const inputs = new InputAccesses(run.program, run.constraints);
    const free = (instance: number): boolean => {
      const { tensor } = work.instances[instance];
      return run.program.tensors[tensor].kind === 'constant' || inputs.of(tensor) === 'external';
    };
    return { ...draft, grain, work, touches: touchedRegions(work, free) };
  });
}

/** Tensors for which the grain chooses no storage order take that of the machine. */
function inStorageOrder(program: Program, grain: Grain, { storageOrders }: Machine): Grain {
  if (!storageOrders) return grain;
  const { tensors } = programOf(program, grain);
  return { ...grain, order: grain.order.map((order, t) => (order.length > 0 ? order : (storageOrders[tensors[t].shape.length] ?? order))) };
}

async function analyze(run: Run, draft: Draft, choice: Choice): Promise<Draft> {
  const { work } = having(draft, 'work');
  const analyzer = run.plugin(DependenceAnalyzer, choice);
  const needs = await run.call('analyze', DependenceAnalyzer, choice, () => analyzer.analyze(work, {}));
  checkDependences(run.registry.label(DependenceAnalyzer, choice), work.tasks.length, needs);
  return { ...draft, needs };
}

async function schedule(run: Run, draft: Draft, choice: Choice): Promise<Draft> {
  const { work, needs } = having(draft, 'work', 'needs');
  checkOrders(run.program, work, needs, run.constraints);
  const scheduler = run.plugin(Scheduler, choice);
  const schedule = await run.call('schedule', Scheduler, choice, (context) => scheduler.schedule(run.program, work, needs, context));
  checkSchedule(run.registry.label(Scheduler, choice), run.program, work, needs, schedule, run.machine, run.constraints);
  return { ...draft, schedule };
}

async function move(run: Run, draft: Draft, choice: Choice): Promise<Draft> {
  return { ...draft, ...(await moved(run, having(draft, 'work', 'needs', 'schedule', 'touches'), choice)) };
}

/** A mover's checked result, under the run's constraints. */
export async function moved(run: Run, draft: Drafted<'work' | 'needs' | 'schedule' | 'touches'>, choice: Choice): Promise<Movement> {
  const { work, needs, schedule, touches } = draft;
  const mover = run.plugin(Mover, choice);
  const { steps, residencies } = await run.call('move', Mover, choice, (context) =>
    mover.move(run.program, work, needs, schedule, context),
  );
  const label = run.registry.label(Mover, choice);
  checkMovement(label, run.program, work, touches, schedule, { steps, residencies }, run.machine, run.constraints);
  return { steps, residencies: withoutTornTies(residencies, pinnedOffsets(run.program, work, residencies, run.constraints)) };
}

async function allocateDraft(run: Run, draft: Draft, choice: Choice): Promise<Draft> {
  const remove = (tighter: Run): Promise<Movement> =>
    moved(tighter, having(draft, 'work', 'needs', 'schedule', 'touches'), run.pipeline.move);
  return { ...draft, ...(await allocate(run, having(draft, 'work', 'touches', 'needs', 'steps', 'residencies'), choice, remove)) };
}

async function execute(run: Run, draft: Draft, choice: Choice): Promise<Draft> {
  const { work, steps, placements } = having(draft, 'work', 'steps', 'placements');
  const unscored: Plan = {
    format: 'regrain.plan/1',
    program: run.program,
    machine: run.machine,
    constraints: run.constraints,
    decomposition: work,
    steps,
    placements,
    metrics: { peakBytes: [], arenaBytes: [], movedBytes: 0, macs: 0, cycles: 0 },
    trials: [],
  };
  const { seen } = run.options.untimed
    ? { seen: nothingSeen(steps.length, work.regions.length) }
    : await run.call('execute', HardwareTarget, choice, () => run.target.execute(unscored, run.constants));
  const plan: Plan = { ...unscored, metrics: metricsOf(unscored, seen) };
  return { ...draft, plan, seen, score: run.objective.score(plan.metrics, run.machine) };
}

/** Of a plan that was not run. */
function nothingSeen(steps: number, regions: number): Observations {
  const [ofSteps, ofRegions] = [new Float64Array(steps), new Float64Array(regions)];
  return {
    unit: 'cycle',
    start: ofSteps,
    end: ofSteps,
    waited: ofRegions,
    busy: ofRegions,
    read: ofRegions,
    filled: ofRegions,
    accesses: ofRegions,
    coaccess: [],
  };
}
