import {
  type Context,
  type Decomposition,
  type Dependences,
  PluginOptions,
  type Program,
  type Schedule,
  type Scheduler,
} from '@regrain/core-ir';
import { inject, injectable } from 'inversify';
import { z } from 'zod';
import { assignEngines } from './engines.js';
import { type TaskGraph, taskGraph } from './graph.js';
import { type MemoryModel, memoryModel } from './memory-model.js';
import { operationOrder, renumbered } from './operation-order.js';
import { withOrdersThrough } from './orders-through.js';
import { inTurns } from './program-order.js';
import { bestSegments } from './segments.js';
import { macsOfTask } from './task-cost.js';

/** Boundaries that are looked at where nothing else is said. */
export const MAX_CUTS = 40;

export const minPeakOptions = z.strictObject({
  maxCuts: z.number().int().min(0).default(MAX_CUTS).describe('places between operations that may become a stored boundary'),
});

/**
 * Fewest live bytes: streams segments of the program row by row (depth first, freeing most) and chooses the boundaries between
 * segments, where whole tensors are stored. Sources: row streaming as in MCUNetV2 (Lin et al. 2021, section 3), fusion blocks chosen by
 * dynamic programming as in msf-CNN (Huang & Baccelli 2025), here without recomputation.
 */
@injectable()
export class MinPeakScheduler implements Scheduler {
  constructor(@inject(PluginOptions) private readonly options: z.infer<typeof minPeakOptions>) {}

  schedule(program: Program, work: Decomposition, needs: Dependences, context: Context): Schedule {
    const graph = taskGraph(program, work, needs, withOrdersThrough(program, work, context));
    const model = memoryModel(program, work, context);
    const order = minPeakOrder(graph, model, work, context, this.options.maxCuts);
    return assignEngines(order, graph, program, context, () => macsOfTask(program, work));
  }
}

/** Segments are consecutive operations; a `before` constraint may demand another sequence of them than the program's. */
export function minPeakOrder(graph: TaskGraph, model: MemoryModel, work: Decomposition, context: Context, maxCuts: number): Int32Array {
  const options = {
    maxCuts,
    signal: context.signal,
    progress: (done: number, of: number): void => context.progress(done, of, 'segments'),
  };
  const sequence = asProgrammed(graph) ? 'program' : operationOrder(graph);
  if (!sequence) return inTurns(graph);
  if (sequence === 'program' || sequence.every((operation, k) => operation === k))
    return bestSegments(graph, model, { ...options, boundaries: work.grain.segments }).order;
  const { graph: moved, model: movedModel, task } = renumbered(graph, model, sequence);
  return bestSegments(moved, movedModel, options).order.map((t) => task[t]);
}

/** Whether the operations can run whole as they stand: nothing waits for a later one. */
function asProgrammed({ tasks, row, from, operationOf }: TaskGraph): boolean {
  for (let t = 0; t < tasks; t++) for (let e = row[t]; e < row[t + 1]; e++) if (operationOf[from[e]] > operationOf[t]) return false;
  return true;
}
