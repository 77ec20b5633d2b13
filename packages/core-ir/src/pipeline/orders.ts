import { badInput, type RegrainError } from '../errors.js';
import type { Constraint } from '../ir/constraint.js';
import type { Decomposition } from '../ir/decomposition.js';
import type { Dependences } from '../ir/dependences.js';
import type { Program } from '../ir/program.js';
import { constraintText } from './contradictions.js';

/**
 * Throws `bad-input` where `before` constraints leave no order of the tasks: among themselves (the two, or the chain, are named) or with
 * what the program computes. Each constraint is a node between the tasks of both operations: O(tasks + dependences).
 */
export function checkOrders(program: Program, work: Decomposition, needs: Dependences, constraints: readonly Constraint[]): void {
  const orders = constraints.filter((each) => each.kind === 'before');
  if (orders.length === 0) return;
  const tasks = work.tasks.length;
  const tasksOf = new Map<string, number[]>();
  work.tasks.forEach(({ operation }, task) => {
    const { name } = program.operations[operation];
    const list = tasksOf.get(name);
    if (list) list.push(task);
    else tasksOf.set(name, [task]);
  });
  const next: number[][] = Array.from({ length: tasks + orders.length }, () => []);
  for (let t = 0; t < tasks; t++) for (let e = needs.row[t]; e < needs.row[t + 1]; e++) next[needs.from[e]].push(t);
  orders.forEach(({ first, then }, k) => {
    for (const task of tasksOf.get(first) ?? []) next[task].push(tasks + k);
    for (const task of tasksOf.get(then) ?? []) next[tasks + k].push(task);
  });
  const stuck = withoutOrder(next);
  let cycle: readonly number[] | undefined;
  orders.forEach((_, k) => {
    const found = stuck[tasks + k] ? cycleThrough(next, stuck, tasks, k) : undefined;
    if (found && (!cycle || found.length < cycle.length)) cycle = found;
  });
  if (cycle) throw contradiction(cycle.map((k) => orders[k]));
}

function contradiction(cycle: readonly Extract<Constraint, { kind: 'before' }>[]): RegrainError {
  const named = cycle.map((each) => `"${constraintText(each)}"`);
  if (cycle.length > 1)
    return badInput(
      `constraints contradict each other: ${named.join(' and ')}: no order obeys ${cycle.length === 2 ? 'both' : `all ${cycle.length}`}`,
    );
  const [{ first, then }] = cycle;
  if (first === then) return badInput(`constraint ${named[0]}: an operation does not come before itself`);
  return badInput(`constraint ${named[0]} contradicts the program: ${first} needs what ${then} computes`);
}

/** Nodes that are never free to run: those on a cycle, or behind one. */
function withoutOrder(next: readonly (readonly number[])[]): Uint8Array {
  const missing = new Int32Array(next.length);
  for (const list of next) for (const to of list) missing[to]++;
  const ready: number[] = [];
  missing.forEach((count, node) => {
    if (count === 0) ready.push(node);
  });
  const stuck = new Uint8Array(next.length).fill(1);
  for (let node = ready.pop(); node !== undefined; node = ready.pop()) {
    stuck[node] = 0;
    for (const to of next[node]) if (--missing[to] === 0) ready.push(to);
  }
  return stuck;
}

/** The constraints of a cycle through constraint k, as few as can be (0-1 breadth first); undefined where k is only behind one. */
function cycleThrough(next: readonly (readonly number[])[], stuck: Uint8Array, tasks: number, k: number): number[] | undefined {
  const start = tasks + k;
  const from = new Int32Array(next.length).fill(-1);
  let current = [start];
  while (current.length > 0) {
    const later: number[] = [];
    for (let node = current.pop(); node !== undefined; node = current.pop()) {
      for (const to of next[node]) {
        if (to === start) return constraintsOn(from, node, start, tasks);
        if (!stuck[to] || from[to] >= 0) continue;
        from[to] = node;
        (to >= tasks ? later : current).push(to);
      }
    }
    current = later;
  }
  return undefined;
}

function constraintsOn(from: Int32Array, last: number, start: number, tasks: number): number[] {
  const found: number[] = [];
  for (let node = last; node !== start; node = from[node]) if (node >= tasks) found.push(node - tasks);
  found.push(start - tasks);
  return found.reverse();
}
