import type { Access, Box, Mode, Plan, Scalar, Task } from '@regrain/core-ir';
import { type Faults, Names } from './faults.js';
import { covered, equal } from './geometry.js';
import { touched, touchesExactly } from './index-maps.js';

/** What a task must access by one operand (-1: the accumulator of a split reduction). */
interface Need {
  readonly operand: number;
  readonly tensor: number;
  readonly box: Box;
  readonly mode: Mode;
}

/**
 * Rule `access`: every access is what the program's index maps say. Reads are covered by accesses of the operand's tensor; writes and
 * accumulates are exactly the box that the task computes; nothing else is written.
 */
export function checkAccesses(plan: Plan, faults: Faults): void {
  const names = new Names(plan);
  const { tasks } = plan.decomposition;
  for (let t = 0; t < tasks.length; t++) if (!isPlain(plan, tasks[t])) checkTask(plan, t, names, faults);
}

/**
 * The common case, without a table of needs: no split reduction, and by each operand that touches anything one access of a stored tensor,
 * exactly what its map says. Of any other task it says false, be it right or not.
 */
function isPlain({ program, decomposition }: Plan, { operation, box, accesses, phase }: Task): boolean {
  if (phase) return false;
  const { operands } = program.operations[operation];
  let next = 0;
  for (let operand = 0; operand < operands.length; operand++) {
    const { tensor, mode, map } = operands[operand];
    const access = accesses[next];
    if (access?.operand !== operand) {
      if (touched(map, box, program.tensors[tensor].shape)) return false;
      continue;
    }
    next++;
    const { tensor: own, role } = decomposition.instances[access.instance];
    if (access.mode !== mode || own !== tensor || role === 'accumulator') return false;
    if (!touchesExactly(map, box, program.tensors[tensor].shape, access.box)) return false;
  }
  return next === accesses.length && next > 0;
}

function checkTask(plan: Plan, t: number, names: Names, faults: Faults): void {
  const { program, decomposition } = plan;
  const task = decomposition.tasks[t];
  const needs = needsOf(plan, task);
  const fault = (message: string): void => faults.add('access', `${names.task(t)} ${message}`);
  for (const need of needs) {
    const mine = task.accesses.filter(
      ({ operand, instance }) => operand === need.operand && decomposition.instances[instance].tensor === need.tensor,
    );
    const roleFits = ({ instance }: Access): boolean =>
      (decomposition.instances[instance].role === 'accumulator') === (need.operand === -1);
    if (need.mode === 'read') {
      const parts = mine.filter((access) => access.mode === 'read' && roleFits(access)).map(({ box }) => box);
      if (!parts.some((box) => equal(box, need.box)) && !covered(need.box, parts))
        fault(
          `needs ${names.box(need.box)} of ${program.tensors[need.tensor].name} but reads ${parts.map((box) => names.box(box)).join(' ') || 'nothing'}`,
        );
    } else {
      const made = mine.filter((access) => access.mode === need.mode && roleFits(access));
      if (made.length > 1) fault(`writes operand ${need.operand} ${made.length} times`);
      for (const { box } of made) {
        if (!equal(box, need.box))
          fault(`computes ${names.box(need.box)} of ${program.tensors[need.tensor].name} but claims to write ${names.box(box)}`);
      }
      // A task that fills a replica drops its other results; a program's own order of memory (a trace) drops none.
      const dropped = made.length === 0 && (need.operand === -1 || program.trace || !writesReplica(plan, task));
      if (dropped) fault(`does not write ${program.tensors[need.tensor].name}${names.box(need.box)}, which it computes`);
    }
  }
  for (const { operand, mode, instance } of task.accesses) {
    const known = needs.some(
      (need) => need.operand === operand && need.mode === mode && need.tensor === decomposition.instances[instance].tensor,
    );
    if (!known && mode !== 'read') fault(`writes ${names.instance(instance)} by operand ${operand}, which its operation does not`);
  }
  if (!program.trace && task.accesses.every(({ mode }) => mode === 'read') && needs.some(({ mode }) => mode !== 'read'))
    fault('writes nothing');
}

function writesReplica({ decomposition }: Plan, { accesses }: Task): boolean {
  return accesses.some(({ mode, instance }) => mode !== 'read' && decomposition.instances[instance].role === 'replica');
}

function needsOf({ program }: Plan, { operation, box, phase }: Task): Need[] {
  const { operands, body, domain } = program.operations[operation];
  // The ends of a split reduction stand at one point of it.
  const place =
    phase === 'init' || phase === 'finish' ? box.map((side, d) => (domain[d].kind === 'reduction' ? ([0, 1] as const) : side)) : box;
  const used = phase && body ? operandsIn(phase === 'init' ? body.init : phase === 'step' ? body.step : body.finish) : undefined;
  const needs: Need[] = [];
  operands.forEach(({ tensor, mode, map }, operand) => {
    const part = touched(map, place, program.tensors[tensor].shape);
    if (!part) return;
    if (mode === 'read') {
      if (!used || used.has(operand)) needs.push({ operand, tensor, box: part, mode });
      return;
    }
    if (phase) needs.push({ operand: -1, tensor, box: part, mode: phase === 'init' ? 'write' : phase === 'step' ? 'accumulate' : 'read' });
    if (!phase || phase === 'finish') needs.push({ operand, tensor, box: part, mode });
  });
  return needs;
}

function operandsIn(scalar: Scalar): Set<number> {
  const found = new Set<number>();
  const open: Scalar[] = [scalar];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next !== 'object') continue;
    if ('x' in next) found.add(next.x);
    else open.push(...next.args);
  }
  return found;
}
