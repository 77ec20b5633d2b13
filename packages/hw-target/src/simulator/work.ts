import { badInput, type Plan, READS, tensorBytes, WRITES } from '@regrain/core-ir';
import { computeCycles, descriptors } from '../cost.js';
import type { MachineDescription } from '../description.js';
import type { Work } from './events.js';
import { Lru } from './lru.js';
import { SpaceModel } from './space-model.js';
import type { Touches } from './touches.js';

/** What every step of a plan asks of the machine. Steps that name no engine, or wait for a later step, are `bad-input`. */
export function workOf(plan: Plan, description: MachineDescription, touches: Touches): Work {
  const { steps, decomposition, program, placements } = plan;
  const { engines, scheduler } = description;
  const { regions, instances, tasks } = decomposition;
  const engine = new Int32Array(steps.length);
  const lead = new Float64Array(steps.length);
  const body = new Float64Array(steps.length);
  const windowed = new Uint8Array(steps.length);
  const waitRow = new Int32Array(steps.length + 1);
  for (let i = 0; i < steps.length; i++) waitRow[i + 1] = waitRow[i] + steps[i].waits.length;
  const waits = new Int32Array(waitRow[steps.length]);
  const model = new SpaceModel(description, plan);
  const where = residency(plan);
  const outside = outsideAddresses(plan);
  const table = scheduler.kind === 'table' ? new Lru(regions.length, scheduler.entries) : undefined;
  model.open(outside.bytes);

  for (let i = 0; i < steps.length; i++) {
    const step = steps[i];
    const runner = engines[step.engine];
    if (!runner) throw badInput(`step ${i} runs on engine ${step.engine}; ${description.name} has ${engines.length}`);
    engine[i] = step.engine;
    for (let k = 0; k < step.waits.length; k++) {
      if (step.waits[k] >= i) throw badInput(`step ${i} waits for step ${step.waits[k]}, which is not before it`);
      waits[waitRow[i] + k] = step.waits[k];
    }
    model.begin();
    if (step.kind === 'task') {
      if (runner.runs !== 'tasks') throw badInput(`step ${i} is a task, but engine ${runner.name} runs moves`);
      const task = tasks[step.task];
      windowed[i] = 1;
      lead[i] = runner.dispatchCycles;
      const reach = plan.machine.engines[step.engine].spaces;
      let inserted = 0;
      for (let k = touches.row[step.task]; k < touches.row[step.task + 1]; k++) {
        const region = touches.region[k];
        if (table && !table.touch(region)) inserted++;
        const bytes = touches.bytes[k];
        const placement = where.at(region, i + 1, reach);
        // An accumulate goes both ways.
        const moved = touches.mode[k] === (READS | WRITES) ? 2 * bytes : bytes;
        if (placement >= 0) {
          model.use(placements[placement].space, placements[placement].offset + touches.from[k], moved);
        } else {
          const base = outside.of[regions[region].instance];
          if (base >= 0) model.useOutside(base + touches.from[k], moved);
        }
      }
      if (scheduler.kind === 'table' && table) {
        const passes = Math.ceil(table.size / (scheduler.comparators ?? scheduler.entries));
        lead[i] += scheduler.dispatchCycles + passes * scheduler.lookupCycles + inserted * scheduler.editCycles;
      }
      body[i] = Math.max(computeCycles(runner, program.operations[task.operation], task), model.cacheCycles);
    } else {
      if (runner.runs !== 'moves') throw badInput(`step ${i} is a move, but engine ${runner.name} runs tasks`);
      const from = placements[step.from];
      const to = placements[step.to];
      const pieces = piecesOf(plan, step.from, step.to, runner.descriptorDimensions);
      lead[i] = runner.startCycles + (pieces - 1) * runner.descriptorCycles;
      body[i] = to.bytes / runner.bytesPerCycle;
      model.move(from.space, from.offset, to.bytes);
      model.move(to.space, to.offset, to.bytes);
    }
    model.end();
  }
  const window = scheduler.kind === 'table' ? scheduler.window : 0;
  return {
    engines: engines.length,
    engine,
    waitRow,
    waits,
    lead,
    body,
    windowed,
    window,
    ports: model.ports,
    ...model.demands(),
  };

  /**
   * Stored regions are dense, so that a move is one contiguous run, except where one end holds the caller's whole tensor in its own
   * order (an input or output whose home is not the arena): there every run of the region's box is a piece.
   */
  function piecesOf(plan: Plan, from: number, to: number, dimensions: number): number {
    const { holds } = placements[to];
    if (!('region' in holds)) return 1;
    const { instance, box } = regions[holds.region];
    const { tensor } = instances[instance];
    const { home, spaces } = plan.machine;
    const fetched = program.tensors[tensor].kind === 'input' && placements[from].space === home.input && !spaces[home.input].counted;
    const stored = program.outputs.includes(tensor) && placements[to].space === home.output && !spaces[home.output].counted;
    return fetched || stored ? descriptors(box, program.tensors[tensor].shape, dimensions) : 1;
  }
}

/** Placements of each region; `at` gives the one that a step at `time` uses, in the first space that its engine reaches. */
function residency({ placements, decomposition }: Plan) {
  const row = new Int32Array(decomposition.regions.length + 1);
  for (const { holds } of placements) if ('region' in holds) row[holds.region + 1]++;
  for (let r = 0; r < decomposition.regions.length; r++) row[r + 1] += row[r];
  const next = row.slice();
  const list = new Int32Array(row[decomposition.regions.length]);
  placements.forEach(({ holds }, p) => {
    if ('region' in holds) list[next[holds.region]++] = p;
  });
  return {
    at(region: number, time: number, reach: readonly number[]): number {
      let best = -1;
      let rank = Number.POSITIVE_INFINITY;
      for (let k = row[region]; k < row[region + 1]; k++) {
        const { first, last, space } = placements[list[k]];
        if (first > time || last < time) continue;
        const r = reach.indexOf(space);
        const order = r < 0 ? reach.length : r;
        if (order < rank) [best, rank] = [list[k], order];
      }
      return best;
    },
  };
}

/** Addresses of what is stored outside the arena (constants, external inputs), per instance; -1 for splats, which take no bytes. */
function outsideAddresses({ program, decomposition }: Plan): { of: Float64Array; bytes: number } {
  const of = new Float64Array(decomposition.instances.length).fill(-1);
  let bytes = 0;
  decomposition.instances.forEach(({ tensor, dtype }, i) => {
    const { kind, data, shape } = program.tensors[tensor];
    if (data && 'splat' in data) return;
    of[i] = bytes;
    if (kind !== 'computed') bytes += tensorBytes({ shape, dtype });
  });
  return { of, bytes };
}
