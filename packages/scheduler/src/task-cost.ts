import type { Decomposition, Program } from '@regrain/core-ir';
import { shareOf } from './memory-model.js';

/** Cost of a task where no times are known: the multiply-accumulates of its share of the operation, and one. */
export function macsOfTask(program: Program, work: Decomposition): (task: number) => number {
  return (task) => program.operations[work.tasks[task].operation].macs * shareOf(program, work.tasks[task]) + 1;
}
