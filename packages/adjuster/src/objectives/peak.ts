import type { Machine, Metrics, Objective } from '@regrain/core-ir';
import { injectable } from 'inversify';
import { arenaBytes, tieBreak } from './arena.js';

/** Fewest bytes of arena in the counted spaces; between equal arenas fewest cycles. A byte outweighs any number of cycles. */
@injectable()
export class PeakObjective implements Objective {
  score(metrics: Metrics, machine: Machine): number {
    return arenaBytes(metrics, machine) + tieBreak(metrics.cycles);
  }
}
