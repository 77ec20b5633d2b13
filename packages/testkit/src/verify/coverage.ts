import type { Box, Plan } from '@regrain/core-ir';
import { type Faults, Names } from './faults.js';
import { count, covered, firstOverlap, shared } from './geometry.js';
import { Numbers, type Rows, rowsBy } from './tables.js';

/**
 * Rule `coverage` (of models): every element of every output is computed, every element of an instance is written once, and an
 * accumulator gets every part of its reduction exactly once between one first value and one finish. That reads find what they need
 * is the business of rule `values`.
 */
export function checkCoverage(plan: Plan, faults: Faults): void {
  const { program, decomposition } = plan;
  const names = new Names(plan);
  const { instances, tasks } = decomposition;
  const writes = writesOf(plan);
  const sums = new Map<number, number[]>();
  for (let t = 0; t < tasks.length; t++) {
    for (const { instance } of tasks[t].accesses) {
      if (instances[instance].role !== 'accumulator') continue;
      const list = sums.get(instance);
      if (list) list.push(t);
      else sums.set(instance, [t]);
    }
  }
  const fault = (message: string): void => faults.add('coverage', message);
  const taskAt = (entry: number): number => writes.task.at(writes.member[entry]);
  for (let instance = 0; instance < instances.length; instance++) {
    const [from, to] = [writes.row[instance], writes.row[instance + 1]];
    if (from === to) continue;
    if (program.tensors[instances[instance].tensor].kind !== 'computed')
      fault(`${names.task(taskAt(from))} writes ${names.instance(instance)}, which is ${program.tensors[instances[instance].tensor].kind}`);
    const clash = to - from > 1 ? firstOverlap(boxesOf(writes, instance)) : undefined;
    if (clash)
      fault(
        `${names.task(taskAt(from + clash[0]))} and ${names.task(taskAt(from + clash[1]))} both write the same elements of ${names.instance(instance)}`,
      );
  }
  const wanted = new Set([...program.outputs, ...program.states.map(({ from }) => from.tensor)]);
  const primaryOf = new Map<number, number>();
  for (let i = instances.length - 1; i >= 0; i--)
    if (instances[i].role === 'primary' && wanted.has(instances[i].tensor)) primaryOf.set(instances[i].tensor, i);
  for (const tensor of wanted) {
    const { kind, name, shape } = program.tensors[tensor];
    if (kind !== 'computed') continue;
    const primary = primaryOf.get(tensor);
    const made = primary === undefined ? 0 : boxesOf(writes, primary).reduce((sum, box) => sum + count(box), 0);
    const all = shape.reduce((product, extent) => product * extent, 1);
    if (made < all) fault(`${all - made} of ${all} elements of the output ${name} are never computed`);
  }
  for (const [instance, tasks] of sums) checkSum(plan, instance, tasks, names, fault);
}

/** Writes by instance, in the order of the tasks: of each its task and its box. */
interface Writes extends Rows {
  readonly task: Numbers;
  readonly box: readonly Box[];
}

function writesOf({ decomposition: { tasks, instances } }: Plan): Writes {
  const to = new Numbers();
  const task = new Numbers();
  const box: Box[] = [];
  for (let t = 0; t < tasks.length; t++) {
    for (const access of tasks[t].accesses) {
      if (access.mode !== 'write') continue;
      to.push(access.instance);
      task.push(t);
      box.push(access.box);
    }
  }
  return { ...rowsBy(to.all(), instances.length), task, box };
}

function boxesOf({ row, member, box }: Writes, instance: number): Box[] {
  return Array.from(member.subarray(row[instance], row[instance + 1]), (write) => box[write]);
}

/** One accumulator: a single `init` per element, steps that together run the whole reduction once, a finish that reads all of it. */
function checkSum(plan: Plan, instance: number, tasks: readonly number[], names: Names, fault: (message: string) => void): void {
  const { program, decomposition } = plan;
  const phases = { init: [] as Box[], step: [] as Box[], finish: [] as Box[] };
  const steps: number[] = [];
  for (const t of tasks) {
    const { phase, accesses } = decomposition.tasks[t];
    const access = accesses.find((each) => each.instance === instance);
    if (!phase || !access) {
      fault(`${names.task(t)} uses ${names.instance(instance)} but is no part of a split reduction`);
      return;
    }
    phases[phase].push(access.box);
    if (phase === 'step') steps.push(t);
  }
  const operations = new Set(tasks.map((t) => decomposition.tasks[t].operation));
  if (operations.size > 1) {
    fault(`${names.instance(instance)} is shared by ${operations.size} operations`);
    return;
  }
  const { domain } = program.operations[decomposition.tasks[tasks[0]].operation];
  const target = phases.finish.reduce((sum, box) => sum + count(box), 0);
  for (const [phase, boxes] of [
    ['init', phases.init],
    ['finish', phases.finish],
  ] as const) {
    if (boxes.length === 0) {
      fault(`${names.instance(instance)} has no ${phase}`);
      return;
    }
    if (firstOverlap(boxes)) {
      fault(`elements of ${names.instance(instance)} have two tasks of phase ${phase}`);
      return;
    }
  }
  for (const box of phases.finish) {
    if (!covered(box, phases.init)) {
      fault(`${names.box(box)} of ${names.instance(instance)} is finished without a first value`);
      return;
    }
  }
  const boxes = steps.map((t) => decomposition.tasks[t].box);
  const twice = firstOverlap(boxes);
  if (twice) {
    fault(`${names.task(steps[twice[0]])} and ${names.task(steps[twice[1]])} add the same terms to ${names.instance(instance)}`);
    return;
  }
  const reduction = domain.reduce((product, { kind, extent }) => (kind === 'reduction' ? product * extent : product), 1);
  const points = steps.reduce((sum, t) => {
    const { box, accesses } = decomposition.tasks[t];
    const part = accesses.find((each) => each.instance === instance)?.box ?? [];
    const finished = phases.finish.reduce((all, each) => all + shared(each, part), 0);
    return sum + (count(box) / Math.max(1, count(part))) * finished;
  }, 0);
  if (points !== reduction * target)
    fault(`${names.instance(instance)} gets ${points} of the ${reduction * target} terms of its reduction`);
}
