import type { CompileResult } from '@regrain/core-ir';
import pc from 'picocolors';
import { duration, group, percent, size } from '../output/size.js';
import { table } from '../output/table.js';
import type { Terminal } from '../output/terminal.js';
import { liveBytes } from '../show/live-bytes.js';
import { peakOf } from '../show/peak.js';
import { picture } from '../show/picture.js';
import { reuseDistanceOf } from './reuse-distance.js';
import { countKinds, countRegions, type Summary } from './summary.js';

const ACCOUNTINGS = [
  ['streamedInput', 'input streamed'],
  ['resident', 'input resident'],
  ['externalInput', 'input external'],
] as const;

/** What a person sees: before and after, a picture of the live bytes, what makes the peak, and whether the plan was verified. */
export function show(summary: Summary, result: CompileResult, terminal: Terminal): string {
  const colours = pc.createColors(terminal.colour);
  const parts = [
    `${colours.bold(summary.model)} on ${summary.target}, objective ${summary.objective}, input ${summary.input}`,
    beforeAfter(summary, result, terminal),
    picture(liveBytes(result.baseline.plan, result.baseline.seen), liveBytes(result.plan, result.seen), terminal, colours),
    peakLines(result),
    ending(summary, colours),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

/** Peaks under the three accountings, then what the plans are made of. */
function beforeAfter(summary: Summary, { baseline, plan }: CompileResult, terminal: Terminal): string {
  const peaks = ACCOUNTINGS.map(([key, name]) => {
    const { peakBytes, tensorPeakBytes, arenaBytes, boundBytes } = summary[key];
    return [name, size(tensorPeakBytes), size(peakBytes), percent(peakBytes, tensorPeakBytes), size(arenaBytes), size(boundBytes)];
  });
  const before = countKinds(baseline.dependences.kinds);
  const reuseBefore = reuseDistanceOf(baseline.plan).meanBytes;
  const work = [
    ['tasks', group(baseline.plan.decomposition.tasks.length), group(plan.decomposition.tasks.length), ''],
    ['regions', group(countRegions(baseline.plan)), group(summary.regions), ''],
    ['dependences RAW/WAR/WAW', triple(before), triple(summary.dependences), ''],
    ['order by reuse of memory', '', group(summary.reuseDependences), ''],
    [
      'mean reuse distance',
      size(Math.round(reuseBefore)),
      size(Math.round(summary.reuseDistance.meanBytes)),
      percent(summary.reuseDistance.meanBytes, reuseBefore),
    ],
    ['multiply-accumulates', group(baseline.plan.metrics.macs), group(summary.macs), percent(summary.macs, baseline.plan.metrics.macs)],
    [
      'cycles',
      group(summary.tensorMakespanCycles),
      group(summary.makespanCycles),
      percent(summary.makespanCycles, summary.tensorMakespanCycles),
    ],
  ];
  if (summary.movedBytes > 0 || summary.tensorMovedBytes > 0)
    work.push(['moved', size(summary.tensorMovedBytes), size(summary.movedBytes), percent(summary.movedBytes, summary.tensorMovedBytes)]);
  return [
    table(['peak of live bytes', 'whole tensors', 'regions', 'ratio', 'arena', 'lower bound'], peaks, terminal),
    table(['', 'whole tensors', 'regions', 'ratio'], work, terminal),
    boundLine(summary),
  ].join('\n\n');
}

/** Why no plan without recomputation is below the bound, for inputs counted as the plan counts them. */
function boundLine(summary: Summary): string {
  const [key] = ACCOUNTINGS.find(([, name]) => name === `input ${summary.input}`) ?? ACCOUNTINGS[0];
  const { boundBytes, bound } = summary[key];
  const [most, ...others] = bound.holds.toSorted((a, b) => b.bytes - a.bytes);
  if (!most) return '';
  const shown = [most, ...others.slice(0, 2)].map(({ tensor, bytes }) => `${tensor} ${size(bytes)}`);
  const rest = others.slice(2).reduce((sum, { bytes }) => sum + bytes, 0);
  if (rest > 0) shown.push(`${others.length - 2} more ${size(rest)}`);
  return `Without recomputation every plan holds ${size(boundBytes)} ${bound.when}: ${shown.join(', ')}.`;
}

function triple({ raw, war, waw }: { readonly raw: number; readonly war: number; readonly waw: number }): string {
  return [raw, war, waw].map(group).join('/');
}

function peakLines({ plan }: CompileResult): string {
  const peak = peakOf(plan);
  if (!peak) return '';
  const shown = peak.parts.slice(0, 3).map(({ what, bytes }) => `  ${size(bytes).padStart(10)}  ${what}`);
  const rest = peak.parts.length - shown.length;
  if (rest > 0) shown.push(`  ${size(peak.parts.slice(3).reduce((sum, { bytes }) => sum + bytes, 0)).padStart(10)}  ${rest} more regions`);
  return [
    `The peak of ${size(peak.bytes)} is at step ${group(peak.step + 1)} of ${group(plan.steps.length)}, ${peak.task}:`,
    ...shown,
  ].join('\n');
}

function ending(summary: Summary, colours: ReturnType<typeof pc.createColors>): string {
  const made = Object.entries(summary.pipeline)
    .map(([stage, id]) => `${stage} ${id}`)
    .join(', ');
  const verified = summary.verified
    ? colours.green('Verified: every read finds its value, no two live regions share bytes.')
    : colours.red('NOT verified.');
  const rounds = `${plural(summary.iterations, 'round')} of adjusting, ${plural(summary.edits, 'edit')} kept`;
  const order = summary.order ? `${provedOrder(summary.order)}\n` : '';
  const cut = summary.cutShort ? ' The budget ended the search: more time may find better.' : '';
  return [`Made by ${made}; ${rounds}.${cut}`, `${order}${verified} ${duration(summary.elapsedMs['total'] ?? 0)} in all.`].join('\n');
}

function provedOrder({ peakBytes, boundBytes, proved }: NonNullable<Summary['order']>): string {
  return proved
    ? `No order of these tasks has a lower peak (proved: ${size(boundBytes)}).`
    : `Not proved: the order's peak is ${size(peakBytes)}, no order of these tasks is below ${size(boundBytes)}.`;
}

function plural(count: number, what: string): string {
  return `${group(count)} ${what}${count === 1 ? '' : 's'}`;
}
