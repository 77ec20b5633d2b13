import pc from 'picocolors';
import { duration, group, percent, size } from '../output/size.js';
import { table } from '../output/table.js';
import type { Terminal } from '../output/terminal.js';
import type { PlannedFront } from './plan-front.js';

/** `compile --pareto --json`. */
export interface FrontSummary {
  readonly model: string;
  readonly target: string;
  readonly input: string;
  readonly tensorPeakBytes: number;
  readonly points: readonly {
    readonly macFactor: number;
    readonly arenaBytes: number;
    readonly peakBytes: number;
    readonly estimatedBytes: number;
    readonly tasks: number;
    readonly verified: boolean;
    readonly elapsedMs: number;
    /** Its folder under `--out`. */
    readonly folder: string;
  }[];
  /** Plans made; those that another one beats are not listed. */
  readonly tried: number;
  readonly elapsedMs: { readonly search: number; readonly total: number };
  readonly maxRssBytes: number;
}

export function summaryOfFront(
  front: PlannedFront,
  from: { readonly model: string; readonly target: string; readonly input: string; readonly totalMs: number },
): FrontSummary {
  return {
    model: from.model,
    target: from.target,
    input: from.input,
    tensorPeakBytes: front.tensorPeakBytes,
    points: front.points.map(({ macFactor, arenaBytes, peakBytes, estimatedBytes, tasks, verified, elapsedMs }) => ({
      macFactor,
      arenaBytes,
      peakBytes,
      estimatedBytes,
      tasks,
      verified,
      elapsedMs,
      folder: folderOf(macFactor, arenaBytes),
    })),
    tried: front.tried,
    elapsedMs: { search: front.searchMs, total: from.totalMs },
    maxRssBytes: process.resourceUsage().maxRSS * 1024,
  };
}

/** `1.05x-46k`: its MAC factor and kilobytes of arena. */
function folderOf(macFactor: number, arenaBytes: number): string {
  return `${macFactor.toFixed(3)}x-${arenaBytes}B`;
}

/** What a person sees: the front as a table and as a picture of bars. */
export function showFront(summary: FrontSummary, terminal: Terminal): string {
  const colours = pc.createColors(terminal.colour);
  const most = Math.max(...summary.points.map(({ arenaBytes }) => arenaBytes), 1);
  const width = Math.max(10, Math.min(30, terminal.width - 64));
  const bar = (bytes: number): string => (terminal.unicode ? '█' : '#').repeat(Math.max(1, Math.round((bytes / most) * width)));
  const lines = summary.points.map(({ macFactor, arenaBytes, peakBytes, tasks }) => [
    `${macFactor.toFixed(3)} x`,
    size(arenaBytes),
    size(peakBytes),
    percent(arenaBytes, summary.tensorPeakBytes),
    group(tasks),
    bar(arenaBytes).padEnd(width),
  ]);
  const verified = summary.points.every((point) => point.verified);
  return `${[
    `${colours.bold(summary.model)} on ${summary.target}, input ${summary.input}: memory against multiply-accumulates (whole tensors: ${size(summary.tensorPeakBytes)})`,
    table(['MACs', 'arena', 'live', 'of whole', 'tasks', ''], lines, terminal),
    `${verified ? colours.green('All plans are verified.') : colours.red('NOT all plans are verified.')} ${summary.tried} planned, ${summary.points.length} on the front; search ${duration(summary.elapsedMs.search)}, ${duration(summary.elapsedMs.total)} in all.`,
  ].join('\n\n')}\n`;
}
