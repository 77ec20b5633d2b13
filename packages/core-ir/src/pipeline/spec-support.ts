import { inject, injectable } from 'inversify';
import { z } from 'zod';
import { READS, touchedRegions } from '../expand/touches.js';
import { Adjuster, type Proposal } from '../extension-points/adjuster.js';
import { Allocator, type Packed, type Packing } from '../extension-points/allocator.js';
import type { Context } from '../extension-points/context.js';
import { Decomposer } from '../extension-points/decomposer.js';
import { DependenceAnalyzer } from '../extension-points/dependence-analyzer.js';
import { Frontend, type Loaded } from '../extension-points/frontend.js';
import { HardwareTarget } from '../extension-points/hardware-target.js';
import { Mover, type Residency } from '../extension-points/mover.js';
import { Objective } from '../extension-points/objective.js';
import { Scheduler } from '../extension-points/scheduler.js';
import { type PlanFault, Verifier } from '../extension-points/verifier.js';
import { type Box, overlaps } from '../ir/box.js';
import type { Decomposition } from '../ir/decomposition.js';
import { type Dependences, RAW } from '../ir/dependences.js';
import { type Grain, wholeTensorGrain } from '../ir/grain.js';
import type { Machine } from '../ir/machine.js';
import type { Observations } from '../ir/observations.js';
import type { Metrics, Plan, Step, Trial } from '../ir/plan.js';
import type { Operation, Program } from '../ir/program.js';
import type { Schedule } from '../ir/schedule.js';
import { countedBytes } from '../plan/metrics.js';
import { type Contribution, definePlugin, type Plugin } from '../plugin/define.js';
import { noOptions, PluginOptions } from '../plugin/options.js';
import { InputAccesses } from './input-access.js';
import type { CompileOptions, PipelineConfig } from './types.js';

/** A chain of 3-row blurs over `[rows, 8]` bytes; the last result is the output. */
export function blurs(layers = 3, rows = 16): Loaded {
  const shape = [rows, 8];
  const program: Program = {
    name: 'blurs',
    tensors: Array.from({ length: layers + 1 }, (_, i) => ({
      name: `t${i}`,
      shape,
      dtype: 'int8',
      kind: i === 0 ? 'input' : 'computed',
    })),
    operations: Array.from(
      { length: layers },
      (_, i): Operation => ({
        name: `blur${i}`,
        type: 'Blur',
        attributes: {},
        domain: [
          { extent: rows, kind: 'parallel' },
          { extent: 8, kind: 'parallel' },
          { extent: 3, kind: 'reduction' },
        ],
        operands: [
          { tensor: i, mode: 'read', outside: 0, map: [{ at: ['+', ['+', { d: 0 }, { d: 2 }], -1] }, { at: { d: 1 } }] },
          { tensor: i + 1, mode: 'write', map: [{ at: { d: 0 } }, { at: { d: 1 } }] },
        ],
        body: { acc: 'int8', init: 0, step: { fn: 'add', args: ['acc', { x: 0 }] }, finish: 'acc' },
        macs: rows * 8 * 3,
      }),
    ),
    outputs: [layers],
    states: [],
  };
  return { program, constants: new Uint8Array() };
}

export const machine: Machine = {
  name: 'toy',
  spaces: [{ name: 'ram', bytes: Number.POSITIVE_INFINITY, align: 4, counted: true }],
  engines: [{ name: 'core', spaces: [0], runs: 'tasks' }],
  home: { input: 0, constant: 0, output: 0 },
  detail: null,
};

/** Bands of `rows` rows of every computed tensor. */
export function bands(program: Program, rows: number): Grain {
  const cut = ([extent, width]: readonly number[]): Box[] =>
    Array.from({ length: Math.ceil(extent / rows) }, (_, k) => [
      [k * rows, Math.min(extent, (k + 1) * rows)],
      [0, width],
    ]);
  return { ...wholeTensorGrain(program), regions: program.tensors.map(({ shape }) => cut(shape)) };
}

@injectable()
class Bands implements Decomposer {
  constructor(@inject(PluginOptions) private readonly options: { readonly rows: number }) {}
  decompose(program: Program): Grain {
    return bands(program, this.options.rows);
  }
}

@injectable()
class WholeTensor implements Decomposer {
  decompose(program: Program): Grain {
    return wholeTensorGrain(program);
  }
}

@injectable()
class Pairwise implements DependenceAnalyzer {
  /** RAW only, as programs that write each element once have no other. */
  analyze({ tasks }: Decomposition): Dependences {
    const row = [0];
    const from: number[] = [];
    tasks.forEach((task, t) => {
      for (let p = 0; p < t; p++) {
        const hit = tasks[p].accesses.some(
          (write) =>
            write.mode !== 'read' &&
            task.accesses.some((read) => read.mode !== 'write' && read.instance === write.instance && overlaps(read.box, write.box)),
        );
        if (hit) from.push(p);
      }
      row.push(from.length);
    });
    return { row: Int32Array.from(row), from: Int32Array.from(from), kinds: new Uint8Array(from.length).fill(RAW) };
  }
}

@injectable()
class ProgramOrder implements Scheduler {
  schedule(_: Program, { tasks }: Decomposition): Schedule {
    return { order: Int32Array.from(tasks.keys()), engine: new Uint8Array(tasks.length) };
  }
}

/** Whatever is ready and furthest along the program. */
@injectable()
class DepthFirst implements Scheduler {
  schedule(_: Program, { tasks }: Decomposition, { row, from }: Dependences): Schedule {
    const done = new Uint8Array(tasks.length);
    const order: number[] = [];
    while (order.length < tasks.length) {
      let next = tasks.length - 1;
      while (done[next] || !from.subarray(row[next], row[next + 1]).every((p) => done[p])) next--;
      done[next] = 1;
      order.push(next);
    }
    return { order: Int32Array.from(order), engine: new Uint8Array(tasks.length) };
  }
}

/** Every region in space 0 from its first to its last use. */
@injectable()
class OneSpace implements Mover {
  move(program: Program, work: Decomposition, _: Dependences, { order, engine }: Schedule, { constraints }: Context) {
    const inputs = new InputAccesses(program, constraints);
    const { row, region } = touchedRegions(work, (instance) => inputs.of(work.instances[instance].tensor) === 'external');
    const steps = Array.from(order, (task, i): Step => ({ kind: 'task', task, engine: engine[i], waits: [] }));
    const first = new Map<number, number>();
    const last = new Map<number, number>();
    steps.forEach((step, i) => {
      if (step.kind !== 'task') return;
      for (let e = row[step.task]; e < row[step.task + 1]; e++) {
        if (!first.has(region[e])) first.set(region[e], i + 1);
        last.set(region[e], i + 1);
      }
    });
    const residencies = [...first].map(([id, from]): Residency => {
      const { instance, bytes } = work.regions[id];
      const { tensor } = work.instances[instance];
      return {
        holds: { region: id },
        space: 0,
        bytes,
        first: inputs.of(tensor) === 'resident' ? 0 : from,
        last: program.outputs.includes(tensor) ? steps.length + 1 : (last.get(id) as number),
      };
    });
    return { steps, residencies };
  }
}

@injectable()
class FirstFit implements Allocator {
  place({ buffers, capacity }: Packing): Packed {
    const offsets = new Float64Array(buffers.length);
    const order = [...buffers.keys()].sort(
      (a, b) => Number(buffers[b].fixed !== undefined) - Number(buffers[a].fixed !== undefined) || a - b,
    );
    let height = 0;
    for (const [k, b] of order.entries()) {
      const { bytes, align, first, last, fixed } = buffers[b];
      const taken = order
        .slice(0, k)
        .filter((o) => buffers[o].first <= last && first <= buffers[o].last)
        .sort((x, y) => offsets[x] - offsets[y]);
      let at = 0;
      for (const o of taken)
        if (at + bytes > offsets[o] && at < offsets[o] + buffers[o].bytes) at = Math.ceil((offsets[o] + buffers[o].bytes) / align) * align;
      offsets[b] = fixed ?? at;
      height = Math.max(height, offsets[b] + bytes);
      if (height > capacity) return { ok: false, proved: false, required: height, at: first, buffers: taken };
    }
    return { ok: true, offsets, height, optimal: false };
  }
}

/** Every step takes ten cycles. */
@injectable()
export class ToyTarget implements HardwareTarget {
  readonly machine: Machine;
  constructor(@inject(PluginOptions) options: { readonly bytes?: number }) {
    this.machine = { ...machine, spaces: [{ ...machine.spaces[0], bytes: options.bytes ?? Number.POSITIVE_INFINITY }] };
  }
  cost(): number {
    return 1;
  }
  execute(plan: Plan): { seen: Observations } {
    const count = plan.decomposition.regions.length;
    const zeros = (): Float64Array => new Float64Array(count);
    const start = Float64Array.from(plan.steps.keys(), (i) => 10 * i);
    const seen = {
      unit: 'cycle' as const,
      start,
      end: start.map((at) => at + 10),
      waited: zeros(),
      busy: zeros(),
      read: zeros(),
      filled: zeros(),
    };
    return { seen: { ...seen, accesses: zeros(), coaccess: [] } };
  }
}

@injectable()
class Peak implements Objective {
  score({ arenaBytes }: Metrics, on: Machine): number {
    return countedBytes(arenaBytes, on);
  }
}

/** Halves the rows of all of the largest regions at once, unless that was tried. */
@injectable()
class Halves implements Adjuster {
  propose({ decomposition }: Plan, _: Observations, trials: readonly Trial[]): Proposal[] {
    const regions = decomposition.regions.filter(({ box }) => box[0][1] - box[0][0] > 1);
    const most = Math.max(...regions.map(({ bytes }) => bytes));
    const edits = regions
      .filter(({ bytes }) => bytes === most)
      .map(({ instance, box }) => ({
        kind: 'split' as const,
        at: { tensor: decomposition.instances[instance].tensor, box },
        axis: 0,
        cut: (box[0][0] + box[0][1]) >> 1,
        tasks: true,
      }));
    const known = trials.some((trial) => !trial.kept && JSON.stringify(trial.edits) === JSON.stringify(edits));
    return edits.length === 0 || known ? [] : [{ edits, gain: 0.5 }];
  }
}

/** No region is read before anything is written into it. */
@injectable()
class WritesFirst implements Verifier {
  verify({ program, decomposition, steps }: Plan): PlanFault[] {
    const { row, region, how } = touchedRegions(decomposition);
    const written = new Set<number>();
    const faults: PlanFault[] = [];
    for (const step of steps) {
      if (step.kind !== 'task') continue;
      for (let e = row[step.task]; e < row[step.task + 1]; e++) {
        const { tensor } = decomposition.instances[decomposition.regions[region[e]].instance];
        if (how[e] === READS && program.tensors[tensor].kind === 'computed' && !written.has(region[e]))
          faults.push({ rule: 'order', message: `region ${region[e]} is read before it is written` });
        if (how[e] !== READS) written.add(region[e]);
      }
    }
    return faults;
  }
}

@injectable()
class Blurs implements Frontend {
  accepts(path: string, head: Uint8Array): boolean {
    return path.endsWith('.blurs') && head[0] === 66;
  }
  load(): Loaded {
    return blurs();
  }
}

const rows = z.strictObject({ rows: z.number().int().min(1).default(2).describe('rows of a band') });

const CONTRIBUTIONS: readonly Contribution[] = [
  { point: Frontend, id: 'blurs', description: 'a chain of blurs', use: Blurs, options: noOptions },
  { point: Decomposer, id: 'bands', description: 'bands of rows', use: Bands, options: rows },
  { point: Decomposer, id: 'whole-tensor', description: 'no cuts', use: WholeTensor, options: noOptions },
  { point: DependenceAnalyzer, id: 'pairwise', description: 'all pairs', use: Pairwise, options: noOptions },
  { point: Scheduler, id: 'program-order', description: 'as it stands', use: ProgramOrder, options: noOptions },
  { point: Scheduler, id: 'depth-first', description: 'furthest along', use: DepthFirst, options: noOptions },
  { point: Mover, id: 'one-space', description: 'nothing moves', use: OneSpace, options: noOptions },
  { point: Allocator, id: 'first-fit', description: 'lowest offset', use: FirstFit, options: noOptions },
  { point: Adjuster, id: 'halves', description: 'halves the largest', use: Halves, options: noOptions },
  { point: HardwareTarget, id: 'toy', description: 'one core', use: ToyTarget, options: z.strictObject({ bytes: z.number().optional() }) },
  { point: Objective, id: 'peak', description: 'arena', use: Peak, options: noOptions },
  { point: Verifier, id: 'writes-first', description: 'reads after writes', use: WritesFirst, options: noOptions },
];

/** A whole pipeline in small; `instead` replaces contributions of the same point and id, or adds some. */
export function toyPlugin(instead: readonly Partial<Contribution>[] = []): Plugin {
  const replaced = CONTRIBUTIONS.map((each) => ({ ...each, ...instead.find(({ point, id }) => point === each.point && id === each.id) }));
  return definePlugin({ name: 'toy', version: '0.0.0', bindings: replaced });
}

export const toyPipeline: PipelineConfig = {
  decompose: ['bands', 'whole-tensor'],
  analyze: 'pairwise',
  schedule: ['program-order', 'depth-first'],
  move: 'one-space',
  allocate: 'first-fit',
  iterations: 0,
};

export function toyOptions(changes: Partial<CompileOptions> = {}, pipeline: Partial<PipelineConfig> = {}): CompileOptions {
  return {
    pipeline: { ...toyPipeline, ...pipeline },
    target: 'toy',
    objective: 'peak',
    constraints: [],
    input: 'streamed',
    seed: 1,
    ...changes,
  };
}
