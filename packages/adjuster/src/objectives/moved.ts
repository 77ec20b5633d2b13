import type { Machine, Metrics, Objective } from '@regrain/core-ir';
import { injectable } from 'inversify';
import { arenaBytes, tieBreak } from './arena.js';

/** Fewest bytes moved between spaces; between equal traffic the smaller arena. */
@injectable()
export class MovedObjective implements Objective {
  score(metrics: Metrics, machine: Machine): number {
    return metrics.movedBytes + tieBreak(arenaBytes(metrics, machine));
  }
}
