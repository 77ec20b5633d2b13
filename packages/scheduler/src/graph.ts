import { type Context, type Decomposition, type Dependences, extended, type Program, successors } from '@regrain/core-ir';

/**
 * The task graph as schedulers walk it: the dependences both ways, the user's `before` constraints added, and tasks by operation. A
 * copy of an operation (the grain's `copies`) counts as an operation of its own, where it stands in the extended program.
 */
export interface TaskGraph {
  readonly tasks: number;
  /** Predecessors of t: `from[row[t]] …`. */
  readonly row: Int32Array;
  readonly from: Int32Array;
  /** Successors of t: `to[out[t]] …`. */
  readonly out: Int32Array;
  readonly to: Int32Array;
  /** Tasks of operation o: `start[o] … start[o + 1] - 1`. */
  readonly start: Int32Array;
  readonly operationOf: Int32Array;
  /** The program's operation that o is, or is a copy of. */
  readonly of: Int32Array;
}

interface Known {
  readonly program: Program;
  readonly tasks: Decomposition['tasks'];
  readonly constraints: Context['constraints'];
  readonly graph: TaskGraph;
}

const known = new WeakMap<Dependences, Known>();

/** The same for the same work and demands: schedulers share it, and change nothing of it. */
export function taskGraph(
  program: Program,
  work: Decomposition,
  needs: Dependences,
  { constraints }: Pick<Context, 'constraints'>,
): TaskGraph {
  const before = known.get(needs);
  if (before?.program === program && before.tasks === work.tasks && before.constraints === constraints) return before.graph;
  const graph = madeGraph(program, work, needs, constraints);
  known.set(needs, { program, tasks: work.tasks, constraints, graph });
  return graph;
}

function madeGraph(program: Program, work: Decomposition, needs: Dependences, constraints: Context['constraints']): TaskGraph {
  const copies = work.grain.copies ?? [];
  const whole = copies.length > 0 ? extended(program, copies) : undefined;
  const operations = whole ? whole.operationOf.length : program.operations.length;
  const runs = 1 + copies.length;
  const place = new Int32Array(program.operations.length * runs);
  const of = new Int32Array(operations);
  for (let at = 0; at < operations; at++) {
    of[at] = whole ? whole.operationOf[at] : at;
    place[of[at] * runs + (whole ? whole.copyOf[at] + 1 : 0)] = at;
  }
  const tasks = work.tasks.length;
  const operationOf = new Int32Array(tasks);
  const start = new Int32Array(operations + 1);
  for (let t = 0; t < tasks; t++) {
    const { operation, copy = -1 } = work.tasks[t];
    operationOf[t] = place[operation * runs + copy + 1];
    start[operationOf[t] + 1]++;
  }
  for (let o = 0; o < operations; o++) start[o + 1] += start[o];
  const { row, from } = withOrders(whole?.program ?? program, needs, start, constraints);
  const { row: out, to } = successors({ row, from, kinds: new Uint8Array(0) });
  return { tasks, row, from, out, to, start, operationOf, of };
}

/** Whether no task waits for one of a higher number: `before` constraints may demand it. */
export function runsAsNumbered({ tasks, row, from }: Pick<TaskGraph, 'tasks' | 'row' | 'from'>): boolean {
  for (let t = 0; t < tasks; t++) for (let e = row[t]; e < row[t + 1]; e++) if (from[e] > t) return false;
  return true;
}

/** A `before` constraint makes every task of `then` wait for every task of `first`. */
function withOrders(
  program: Program,
  needs: Dependences,
  start: Int32Array,
  constraints: Context['constraints'],
): { readonly row: Int32Array; readonly from: Int32Array } {
  const orders = constraints.filter((constraint) => constraint.kind === 'before');
  if (orders.length === 0) return needs;
  const extra = new Map<number, number[]>();
  for (const { first, then } of orders) {
    const a = program.operations.findIndex(({ name }) => name === first);
    const b = program.operations.findIndex(({ name }) => name === then);
    if (a >= 0 && b >= 0) extra.set(b, [...(extra.get(b) ?? []), a]);
  }
  const row = new Int32Array(needs.row.length);
  const from: number[] = [];
  for (let o = 0; o + 1 < start.length; o++) {
    for (let t = start[o]; t < start[o + 1]; t++) {
      const before = new Set(needs.from.subarray(needs.row[t], needs.row[t + 1]));
      for (const a of extra.get(o) ?? []) for (let p = start[a]; p < start[a + 1]; p++) before.add(p);
      from.push(...[...before].sort((a, b) => a - b));
      row[t + 1] = from.length;
    }
  }
  return { row, from: Int32Array.from(from) };
}
