import { domainBox, type Operation, type Task, volume } from '@regrain/core-ir';
import type { MachineDescription } from './description.js';

export type TaskEngine = Extract<MachineDescription['engines'][number], { runs: 'tasks' }>;
export type MoveEngine = Extract<MachineDescription['engines'][number], { runs: 'moves' }>;

/**
 * Cycles that an engine computes: the trace's own, or the task's share of the operation's multiply-accumulates, or its points. The
 * first and last phase of a split reduction (their reduction axis is empty) cost points only.
 */
export function computeCycles(engine: TaskEngine, operation: Operation, task: Task): number {
  const share = volume(task.box) / (volume(domainBox(operation)) || 1);
  if (operation.cycles !== undefined) return operation.cycles * share;
  if (operation.macs > 0 && share > 0) {
    const kind = operation.body?.acc.startsWith('float') ? 'float' : 'int';
    return (operation.macs * share) / engine.macsPerCycle[kind];
  }
  return points(task) / engine.pointsPerCycle;
}

/** Points of the box without its empty dimensions; of an instruction (no dimensions) the elements of its largest access. */
function points(task: Task): number {
  if (task.box.length > 0) return task.box.reduce((product, [lo, hi]) => (hi > lo ? product * (hi - lo) : product), 1);
  return task.accesses.reduce((most, { box }) => Math.max(most, volume(box)), 1);
}

/** Contiguous pieces of a box in its tensor's row-major storage, `dimensions - 1` strided dimensions of which a descriptor covers. */
export function descriptors(box: readonly (readonly [number, number])[], shape: readonly number[], dimensions: number): number {
  const extents = box.map(([lo, hi]) => hi - lo);
  let inner = box.length;
  while (inner > 0 && extents[inner - 1] === shape[inner - 1]) inner--;
  // Dimension inner - 1 is cut: it is contiguous with what it holds; everything outside of it is strided.
  const strided = extents.slice(0, Math.max(0, inner - 1)).filter((extent) => extent > 1);
  return strided.slice(0, Math.max(0, strided.length - (dimensions - 1))).reduce((product, extent) => product * extent, 1);
}
