import type { Plan } from '@regrain/core-ir';
import { pointsOf } from './dependences.js';
import type { Add, Reach } from './reach.js';

/** Elements of a trace: every two accesses of which one writes run in the trace's order; two accumulations in either. */
export function checkTrace({ decomposition, steps }: Plan, reach: Reach, add: Add): void {
  const stepOf = new Map(steps.flatMap((step, s) => (step.kind === 'task' ? [[step.task, s] as const] : [])));
  const seen = new Map<string, { step: number; mode: string }[]>();
  decomposition.tasks
    .map((task, t) => ({ task, t }))
    .sort((a, b) => a.task.operation - b.task.operation)
    .forEach(({ task, t }) => {
      const step = stepOf.get(t) ?? -1;
      for (const { instance, box, mode } of task.accesses) {
        for (const point of pointsOf(box)) {
          const key = `${decomposition.instances[instance].tensor}:${point}`;
          const before = seen.get(key) ?? [];
          for (const old of before) {
            if (old.step === step || (old.mode === 'read' && mode === 'read')) continue;
            const either = old.mode === 'accumulate' && mode === 'accumulate';
            if (!reach[old.step][step] && !(either && reach[step][old.step])) add('order', `steps ${old.step} and ${step} touch ${key}`);
          }
          seen.set(key, [...before, { step, mode }]);
        }
      }
    });
}
