import { volume } from '../ir/box.js';
import type { Decomposition } from '../ir/decomposition.js';
import type { Machine } from '../ir/machine.js';
import type { Observations } from '../ir/observations.js';
import type { Metrics, Placement, Plan } from '../ir/plan.js';
import { domainBox, type Program } from '../ir/program.js';
import { liveProfile } from './live-profile.js';

/** The figures of an executed plan. */
export function metricsOf(plan: Omit<Plan, 'metrics'>, seen: Observations): Metrics {
  const { machine, placements, steps } = plan;
  let movedBytes = 0;
  for (const step of steps) if (step.kind === 'move') movedBytes += placements[step.to].bytes;
  return {
    peakBytes: machine.spaces.map((_, space) => greatest(liveProfile(plan as Plan, space))),
    arenaBytes: arenaOf(placements, machine),
    movedBytes,
    macs: macsOf(plan.program, plan.decomposition),
    cycles: greatest(seen.end),
  };
}

/** Per space the highest offset used. */
export function arenaOf(placements: readonly Placement[], { spaces }: Machine): number[] {
  const arenaBytes = spaces.map(() => 0);
  for (const { space, offset, bytes } of placements) arenaBytes[space] = Math.max(arenaBytes[space], offset + bytes);
  return arenaBytes;
}

/** Multiply-accumulates that tasks execute, recomputation included. */
export function macsOf(program: Program, work: Decomposition): number {
  const whole = program.operations.map((operation) => volume(domainBox(operation)));
  let macs = 0;
  for (const { operation, box } of work.tasks) {
    if (whole[operation] > 0) macs += (program.operations[operation].macs * volume(box)) / whole[operation];
  }
  return Math.round(macs);
}

/** Sum over the spaces that make up the arena; of a machine that counts none, its first space. */
export function countedBytes(bytes: readonly number[], { spaces }: Machine): number {
  if (!spaces.some(({ counted }) => counted)) return bytes[0] ?? 0;
  return bytes.reduce((sum, value, space) => (spaces[space].counted ? sum + value : sum), 0);
}

export function greatest(values: Float64Array): number {
  let most = 0;
  for (const value of values) if (value > most) most = value;
  return most;
}
