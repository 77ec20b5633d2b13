import { readFileSync } from 'node:fs';
import type { Allocation } from '@regrain/bench';
import type { Session } from '@regrain/core-ir';
import { readCsv } from './read-csv.js';
import { SEARCHING, solve } from './solve.js';

/** Places files as `regrain allocate` does by default, for the bench. */
export function allocationRunner(session: Session, progress: (line: string) => void) {
  return async (path: string, capacity?: number): Promise<Allocation> => {
    const table = readCsv(readFileSync(path, 'utf8'), path);
    const options = { allocator: SEARCHING, seed: 1, progress, ...(capacity === undefined ? {} : { capacity }) };
    const { buffers, loadBound, height, solved, provenOptimal, provenInfeasible, nodes, cpuMs } = (await solve(session, table, options))
      .summary;
    const proof = provenOptimal ? 'lowest' : provenInfeasible ? 'none exists' : '-';
    return { buffers, loadBound, height, solved, proof, nodes, cpuMs };
  };
}
