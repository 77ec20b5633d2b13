import { PluginError } from '../../errors.js';
import type { Constraint } from '../../ir/constraint.js';
import type { Decomposition } from '../../ir/decomposition.js';
import type { Dependences } from '../../ir/dependences.js';
import type { Machine } from '../../ir/machine.js';
import type { Program } from '../../ir/program.js';
import type { Schedule } from '../../ir/schedule.js';

/** A scheduler's result: every task once, after all that it depends on, on an engine that runs it; `before` constraints hold. */
export function checkSchedule(
  plugin: string,
  program: Program,
  work: Decomposition,
  { row, from }: Dependences,
  { order, engine }: Schedule,
  machine: Machine,
  constraints: readonly Constraint[],
): void {
  const fail = (invariant: string): never => {
    throw new PluginError(plugin, invariant);
  };
  const tasks = work.tasks.length;
  const name = (task: number): string => `${task} (${program.operations[work.tasks[task].operation].name})`;
  if (!(order instanceof Int32Array && engine instanceof Uint8Array)) fail('a schedule is an Int32Array order and a Uint8Array engine');
  if (order.length !== tasks || engine.length !== tasks)
    fail(`a schedule has ${tasks} positions, but order has ${order.length} and engine ${engine.length}`);
  const position = new Int32Array(tasks).fill(-1);
  for (let i = 0; i < tasks; i++) {
    const task = order[i];
    if (task < 0 || task >= tasks || position[task] >= 0) fail(`order has every task once, but position ${i} has ${task}`);
    position[task] = i;
    const { runs, name: engineName } = machine.engines[engine[i]] ?? {};
    if (runs !== 'tasks') fail(`a task is on an engine that runs tasks, but task ${name(task)} is on engine ${engineName ?? engine[i]}`);
    const wanted = program.operations[work.tasks[task].operation].engine;
    if (wanted !== undefined && wanted !== engineName && machine.engines.some((other) => other.name === wanted))
      fail(`an operation runs on the engine that it names, but task ${name(task)} wants ${wanted} and is on ${engineName}`);
  }
  for (let t = 0; t < tasks; t++) {
    for (let e = row[t]; e < row[t + 1]; e++) {
      if (position[from[e]] > position[t])
        fail(`a task comes after those it depends on, but task ${name(t)} comes before ${name(from[e])}`);
    }
  }
  checkBefore(fail, program, work, position, constraints);
}

function checkBefore(
  fail: (invariant: string) => never,
  program: Program,
  work: Decomposition,
  position: Int32Array,
  constraints: readonly Constraint[],
): void {
  const pairs = constraints.filter((constraint) => constraint.kind === 'before');
  if (pairs.length === 0) return;
  const first = new Map<string, number>();
  const last = new Map<string, number>();
  work.tasks.forEach(({ operation }, task) => {
    const { name } = program.operations[operation];
    first.set(name, Math.min(first.get(name) ?? Number.POSITIVE_INFINITY, position[task]));
    last.set(name, Math.max(last.get(name) ?? -1, position[task]));
  });
  for (const { first: a, then: b } of pairs) {
    if ((last.get(a) ?? -1) > (first.get(b) ?? Number.POSITIVE_INFINITY))
      fail(`"before" constraints hold, but ${b} starts before ${a} ends`);
  }
}
