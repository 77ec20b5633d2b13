import type { Context, Decomposition, Dependences, Program, Schedule } from '@regrain/core-ir';
import { assignEngines } from './engines.js';
import { taskGraph } from './graph.js';
import { memoryModel } from './memory-model.js';
import { MAX_CUTS, minPeakOrder } from './min-peak.js';
import { withOrdersThrough } from './orders-through.js';
import type { Solved } from './search/by-parts.js';
import type { Problem } from './search/problem.js';
import { macsOfTask } from './task-cost.js';

/** What all searches for fewer live bytes share: they begin with the order of `min-peak`, and say what they found and what bounds it. */
export function searched(
  program: Program,
  work: Decomposition,
  needs: Dependences,
  context: Context,
  search: (problem: Problem, start: Int32Array) => Solved,
): Schedule {
  const graph = taskGraph(program, work, needs, withOrdersThrough(program, work, context));
  const model = memoryModel(program, work, context);
  const { order, peak, bound } = search({ arcs: graph, model, base: 0 }, minPeakOrder(graph, model, work, context, MAX_CUTS));
  return {
    ...assignEngines(order, graph, program, context, () => macsOfTask(program, work)),
    found: { peakBytes: peak, boundBytes: bound },
  };
}
