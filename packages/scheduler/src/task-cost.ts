import { type Decomposition, type Operation, type Program, type Task, volume } from '@regrain/core-ir';

/** Cost of each task where no times are known: the multiply-accumulates of its share of the operation, and one. */
export function macsOfTask(program: Program, work: Decomposition): Float64Array {
  return eachTask(program, work, (operation, share) => operation.macs * share + 1);
}

/** Cost of each task: its operation's cycles from a trace, or as above. */
export function costOfTask(program: Program, work: Decomposition): Float64Array {
  return eachTask(program, work, (operation, share) => operation.cycles ?? operation.macs * share + 1);
}

function eachTask({ operations }: Program, { tasks }: Decomposition, cost: (operation: Operation, share: number) => number): Float64Array {
  // Points of each operation's domain; 0: not counted yet, or none.
  const points = new Float64Array(operations.length);
  const costs = new Float64Array(tasks.length);
  for (let t = 0; t < costs.length; t++) {
    const operation = operations[tasks[t].operation];
    const known = points[tasks[t].operation];
    const all = known > 0 ? known : pointsOf(operation);
    points[tasks[t].operation] = all;
    costs[t] = cost(operation, shareOf(tasks[t], all));
  }
  return costs;
}

function pointsOf({ domain }: Operation): number {
  let product = 1;
  for (const { extent } of domain) product *= extent;
  return product;
}

/** Share of an operation's work that a task does, 0 to 1. */
function shareOf({ box }: Task, points: number): number {
  return points > 0 ? volume(box) / points : 1;
}
