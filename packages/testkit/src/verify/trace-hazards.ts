import type { Box, Mode, Plan } from '@regrain/core-ir';
import { type Faults, Names } from './faults.js';
import { busiestAxis, shared } from './geometry.js';
import type { HappensBefore } from './happens-before.js';

interface Seen {
  readonly box: Box;
  readonly mode: Mode;
  readonly step: number;
}

/**
 * Rule `order` of a trace, whose storage is given: two instructions that touch a common element, at least one writing it, run in the
 * trace's order, by engine order or waits; two accumulations only one after the other. Accesses are kept per slab of the tensor's
 * busiest axis; a write drops what it covers, since everything after it follows it. Near-linear for tiled traces; quadratic in the
 * accesses of a slab at worst.
 */
export function checkTrace(plan: Plan, before: HappensBefore, faults: Faults): void {
  const { program, decomposition, steps } = plan;
  const names = new Names(plan);
  const stepOf = new Int32Array(decomposition.tasks.length).fill(-1);
  steps.forEach((step, s) => {
    if (step.kind === 'task') stepOf[step.task] = s;
  });
  const taskOf: number[][] = program.operations.map(() => []);
  decomposition.tasks.forEach(({ operation }, t) => {
    taskOf[operation].push(t);
  });
  const seen: Seen[][] = program.tensors.map(() => []);
  taskOf.forEach((tasks, o) => {
    if (tasks.length !== 1) faults.add('coverage', `instruction ${program.operations[o].name} has ${tasks.length} tasks instead of one`);
    for (const t of tasks) {
      // A task's own reads come before its writes: a write must not hide them from later instructions.
      for (const wanted of ['read', 'accumulate', 'write'] as const) {
        for (const { instance, box, mode } of decomposition.tasks[t].accesses) {
          if (mode === wanted) seen[decomposition.instances[instance].tensor].push({ box, mode, step: stepOf[t] });
        }
      }
    }
  });
  seen.forEach((accesses, tensor) => {
    if (accesses.some(({ mode }) => mode !== 'read'))
      checkTensor(accesses, before, (a, b) => {
        faults.add(
          'order',
          `${names.step(b)} and ${names.step(a)} touch the same elements of ${program.tensors[tensor].name} but do not run in the trace's order`,
        );
      });
  });
}

function checkTensor(accesses: readonly Seen[], before: HappensBefore, fault: (a: number, b: number) => void): void {
  const axis = busiestAxis(accesses.map(({ box }) => box));
  const flat = (accesses[0]?.box.length ?? 0) === 0;
  const cuts = flat ? [0] : [...new Set(accesses.flatMap(({ box }) => [box[axis][0], box[axis][1]]))].sort((a, b) => a - b);
  const slabOf = new Map(cuts.map((cut, k) => [cut, k]));
  const slabs: Seen[][] = cuts.map(() => []);
  for (const next of accesses) {
    const from = flat ? 0 : (slabOf.get(next.box[axis][0]) ?? 0);
    const to = flat ? 1 : (slabOf.get(next.box[axis][1]) ?? 0);
    for (let s = from; s < to; s++) {
      const kept: Seen[] = [];
      for (const old of slabs[s]) {
        if (shared(old.box, next.box) === 0) {
          kept.push(old);
          continue;
        }
        if (old.step !== next.step && (old.mode !== 'read' || next.mode !== 'read')) {
          const either = old.mode === 'accumulate' && next.mode === 'accumulate';
          if (!before.ordered(old.step, next.step) && !(either && before.ordered(next.step, old.step))) fault(old.step, next.step);
        }
        const hidden =
          next.mode === 'write' && old.box.every(([lo, hi], d) => d === axis || (next.box[d][0] <= lo && hi <= next.box[d][1]));
        const again = next.mode === 'read' && old.mode === 'read' && old.step === next.step;
        if (!hidden || again) kept.push(old);
      }
      kept.push(next);
      slabs[s] = kept;
    }
  }
}
