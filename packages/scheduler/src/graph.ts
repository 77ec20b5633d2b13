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

export function taskGraph(program: Program, work: Decomposition, needs: Dependences, context: Pick<Context, 'constraints'>): TaskGraph {
  const whole = extended(program, work.grain.copies);
  const runs = 1 + (work.grain.copies?.length ?? 0);
  const place = new Int32Array(program.operations.length * runs);
  whole.operationOf.forEach((operation, at) => {
    place[operation * runs + whole.copyOf[at] + 1] = at;
  });
  const operationOf = Int32Array.from(work.tasks, ({ operation, copy = -1 }) => place[operation * runs + copy + 1]);
  const start = new Int32Array(whole.operationOf.length + 1);
  for (const operation of operationOf) start[operation + 1]++;
  for (let o = 0; o < whole.operationOf.length; o++) start[o + 1] += start[o];
  const { row, from } = withOrders(whole.program, needs, start, context);
  const { row: out, to } = successors({ row, from, kinds: new Uint8Array(0) });
  return { tasks: work.tasks.length, row, from, out, to, start, operationOf, of: Int32Array.from(whole.operationOf) };
}

/** A `before` constraint makes every task of `then` wait for every task of `first`. */
function withOrders(
  program: Program,
  needs: Dependences,
  start: Int32Array,
  context: Pick<Context, 'constraints'>,
): { readonly row: Int32Array; readonly from: Int32Array } {
  const orders = context.constraints.filter((constraint) => constraint.kind === 'before');
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
