import type { Decomposition, Program } from '@regrain/core-ir';
import { pointsOf, shareOf } from './memory-model.js';

/** Cost of each task where no times are known: the multiply-accumulates of its share of the operation, and one. */
export function macsOfTask(program: Program, work: Decomposition): Float64Array {
  const points = pointsOf(program);
  const cost = new Float64Array(work.tasks.length);
  for (let t = 0; t < cost.length; t++) {
    const task = work.tasks[t];
    cost[t] = program.operations[task.operation].macs * shareOf(points, task) + 1;
  }
  return cost;
}
