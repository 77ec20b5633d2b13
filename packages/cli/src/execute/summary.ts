import { duration, size } from '../output/size.js';
import type { Terminal } from '../output/terminal.js';
import type { Check } from './check.js';
import { type Profile, showProfile } from './profile.js';

/** `run --json` (DESIGN section 11). */
export interface RunSummary {
  readonly model: string;
  readonly target: string;
  /** That the plan runs on. */
  readonly threads: number;
  /** Time on one thread ÷ time on several, median of paired runs; of what was tried and is fastest, chosen or not. */
  readonly speedup?: number;
  /** The same by the shortest times. */
  readonly bestOfSpeedup?: number;
  /** Of what was chosen, measured afresh; 1 for one thread. */
  readonly chosenSpeedup?: number;
  /** The plan's arena: the module's memory without constants, tables and code. */
  readonly arenaBytes: number;
  readonly constantBytes: number;
  /** What kernels of fast arithmetic work in, part of `constantBytes`. */
  readonly scratchBytes: number;
  /** Planning and making the module. */
  readonly compileMs: number;
  /** Until the first result, once the plan is at hand. */
  readonly firstMs: number;
  readonly medianMs: number;
  readonly runs: number;
  readonly outputs: readonly { readonly name: string; readonly shape: readonly number[]; readonly dtype: string }[];
  readonly kernels: Readonly<Record<string, number>>;
  readonly check?: Check;
  readonly profile?: Profile;
}

/** What a person sees of a run. */
export function showRun(summary: RunSummary, terminal: Terminal): string {
  const { model, threads, speedup, arenaBytes, constantBytes, scratchBytes, medianMs, firstMs, runs, outputs, kernels, check, profile } =
    summary;
  const lines = [
    `${model}: ${medianMs.toFixed(2)} ms a run (median of ${runs}; first result after ${duration(firstMs)})`,
    ...(speedup === undefined
      ? []
      : [`${threads === 1 ? 'one thread: several were' : `${threads} threads:`} ${speedup.toFixed(2)} times as fast as one`]),
    `arena ${size(arenaBytes)}, constants and tables ${size(constantBytes)}${scratchBytes > 0 ? ` (${size(scratchBytes)} of it to work in)` : ''}; functions: ${Object.entries(
      kernels,
    )
      .map(([kind, count]) => `${count} ${kind}`)
      .join(', ')}`,
    ...outputs.map(({ name, dtype, shape: dims }) => `output ${name}: ${dtype} [${dims.join(', ')}]`),
  ];
  if (check) {
    const found = check.passed ? 'agrees with' : 'DIFFERS from';
    const errors = outputs.some(({ dtype }) => dtype.startsWith('float'))
      ? `largest error ${check.maxRelError.toExponential(1)} of the largest magnitude`
      : `${check.mismatches} elements differ${check.mismatches > 0 ? `, by at most ${check.maxAbsError}` : ''}`;
    lines.push(`${found} ONNX Runtime: ${errors} (it took ${check.referenceMs.toFixed(2)} ms)`);
  }
  if (profile) lines.push('', showProfile(profile, terminal));
  return `${lines.join('\n')}\n`;
}
