import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { badInput } from '@regrain/core-ir';

/** One instance, given to MinimAlloc. */
export interface PeerRun {
  readonly solved: boolean;
  readonly cpuMs: number;
}

/**
 * What MinimAlloc's own program took in sum for its eleven hard instances (revision 9f5cf810fec4), measured once on a machine of two cores, and
 * what the calibration loop takes on a machine of that kind. For a bench without the program, as an order of magnitude.
 */
export const RECORDED = {
  instances: ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K'].map((name) => `${name}.1048576.csv`),
  cpuMs: 28_000,
  loopMs: 365,
};

/** What the shell says the program took, its start included. Where there is no such shell, the run fails and its message is thrown. */
const TIMED = '"$@"; code=$?; times; exit $code';
const LIMIT_SECONDS = 300;

/** Runs google/minimalloc's program (src/main.cc: --capacity, --input, --output, --timeout; it ends with 1 where it finds nothing). */
export function runMinimalloc(binary: string, input: string, capacity: number): Promise<PeerRun> {
  const folder = mkdtempSync(join(tmpdir(), 'regrain-peer-'));
  const own = [`--capacity=${capacity}`, `--input=${input}`, `--output=${join(folder, 'out.csv')}`, `--timeout=${LIMIT_SECONDS}s`];
  return new Promise<PeerRun>((resolve, reject) => {
    execFile('sh', ['-c', TIMED, 'sh', binary, ...own], (error, stdout, stderr) => {
      rmSync(folder, { recursive: true, force: true });
      const cpuMs = childTimes(stdout);
      if (cpuMs === undefined || (error && error.code !== 1))
        reject(badInput(`--minimalloc ${binary}: ${stderr.trim() || (error?.message ?? 'no times')}`));
      else resolve({ solved: !error, cpuMs });
    });
  });
}

/** The second line of `times`: user and system time of what the shell ran, such as 1m2.345s. */
function childTimes(stdout: string): number | undefined {
  const found = /(\d+)m([\d.,]+)s\s+(\d+)m([\d.,]+)s\s*$/.exec(stdout);
  if (!found) return undefined;
  const [minutes, seconds, more, rest] = found.slice(1).map((text) => Number(text.replace(',', '.')));
  return 1000 * (60 * (minutes + more) + seconds + rest);
}
