import type { Machine, Metrics, Objective } from '@regrain/core-ir';
import { injectable } from 'inversify';
import { arenaBytes, tieBreak } from './arena.js';

/** Shortest makespan in the target's unit; between equal times (to a cycle) the smaller arena. */
@injectable()
export class TimeObjective implements Objective {
  score(metrics: Metrics, machine: Machine): number {
    return Math.round(metrics.cycles) + tieBreak(arenaBytes(metrics, machine));
  }
}
