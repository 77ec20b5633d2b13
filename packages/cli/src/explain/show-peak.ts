import { group, percent, size } from '../output/size.js';
import { table } from '../output/table.js';
import type { Terminal } from '../output/terminal.js';
import type { Advice } from './advice.js';
import type { Gap } from './gap.js';
import { listed } from './names.js';
import { NEAR, type PeakExplanation } from './peak.js';
import type { Tried } from './try.js';

/** Lines of a table. */
const TENSORS = 12;
const REGIONS = 8;
const OPERATIONS = 8;

export interface PeakReport {
  readonly name: string;
  readonly machine: string;
  readonly input: string;
  readonly peak: PeakExplanation;
  readonly advice: readonly Advice[];
  readonly tried?: readonly Tried[];
}

export function showPeak(report: PeakReport, terminal: Terminal): string {
  const { name, machine, input, peak } = report;
  const where = peak.spaces.join(' + ');
  const parts = [
    `${name} on ${machine}${input}: ${size(peak.at.bytes)} live at the peak in ${where}, arena ${size(peak.arenaBytes)}`,
    `The peak is at ${stepText(peak.at.time, peak.steps)}, ${peak.at.task}${peak.times > 1 ? `; as many bytes live at ${group(peak.times - 1)} other moment${peak.times === 2 ? '' : 's'}` : ''}.`,
    crowdText(peak),
    tensors(peak, terminal),
    operations(peak, terminal),
    regions(peak, terminal),
    peak.gaps.map(gapText).join('\n'),
    nextText(peak),
    levers(peak, terminal),
    adviceText(report.advice, peak.steps),
    report.tried ? triedText(report.tried, terminal) : '',
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

export function stepText(time: number, steps: number): string {
  if (time < 1) return 'the start, before the first step';
  if (time > steps) return 'the end, after the last step';
  return `step ${group(time)} of ${group(steps)}`;
}

/** A time in a table. */
export function timeText(time: number, steps: number): string {
  return time < 1 ? 'start' : time > steps ? 'end' : group(time);
}

function tensors({ parts, steps }: PeakExplanation, terminal: Terminal): string {
  const shown = parts.tensors.slice(0, TENSORS);
  const rows = shown.map(({ tensor, kind, bytes, share, regions, waitingBytes, madeBy, neededBy, since, until }) => [
    kind === 'activation' || kind === 'scratch' ? tensor : `${tensor} (${kind})`,
    listed(madeBy),
    listed(neededBy),
    size(bytes),
    percent(share, 1),
    group(regions),
    waitingBytes > 0 ? size(waitingBytes) : '',
    `${timeText(since, steps)}–${timeText(until, steps)}`,
  ]);
  const rest = parts.tensors.slice(TENSORS);
  if (rest.length > 0) rows.push(['others', '', '', ...sumOf(rest, parts.bytes), '', '']);
  return table(['at the peak', 'made by', 'still needed by', 'bytes', 'share', 'regions', 'waiting', 'steps'], rows, terminal, 3);
}

function operations({ parts }: PeakExplanation, terminal: Terminal): string {
  const rows = parts.operations
    .slice(0, OPERATIONS)
    .map(({ operation, bytes, share, regions }) => [operation, size(bytes), percent(share, 1), group(regions)]);
  const rest = parts.operations.slice(OPERATIONS);
  if (rest.length > 0) rows.push(['others', ...sumOf(rest, parts.bytes)]);
  return table(['kept for', 'bytes', 'share', 'regions'], rows, terminal);
}

function sumOf(rest: readonly { readonly bytes: number; readonly regions: number }[], all: number): [string, string, string] {
  const bytes = rest.reduce((sum, each) => sum + each.bytes, 0);
  return [size(bytes), percent(bytes, all), group(rest.reduce((sum, each) => sum + each.regions, 0))];
}

function regions({ parts, steps }: PeakExplanation, terminal: Terminal): string {
  const rows = parts.regions
    .slice(0, REGIONS)
    .map(({ region, tensor, box, role, state, keptFor, bytes, since, until }) => [
      `${tensor}${box}${role === 'primary' || role === 'scratch' ? '' : ` (${role})`}`,
      keptFor,
      state,
      region === undefined ? '' : String(region),
      size(bytes),
      `${timeText(since, steps)}–${timeText(until, steps)}`,
    ]);
  const rest = parts.regions.slice(REGIONS);
  if (rest.length > 0)
    rows.push([
      `${rest.length} more (--json lists all)`,
      '',
      '',
      '',
      sumOf(
        rest.map(({ bytes }) => ({ bytes, regions: 1 })),
        parts.bytes,
      )[0],
      '',
    ]);
  return table(['largest regions', 'kept for', 'now', 'id', 'bytes', 'steps'], rows, terminal, 3);
}

function gapText({ space, peakBytes, arenaBytes, gapBytes, top }: Gap): string {
  if (gapBytes === 0 || !top) return `The arena of ${space} is as high as its live bytes: no packing is lower.`;
  const holes = `${size(top.freeBytes)} free below it in ${group(top.holes)} hole${top.holes === 1 ? '' : 's'}, the largest ${size(top.largestHoleBytes)}`;
  return [
    `The arena of ${space} is ${size(gapBytes)} (${percent(gapBytes, peakBytes)}) higher than its live bytes: fragmentation.`,
    `Its top, ${group(arenaBytes)}, is reached at step ${group(top.time)}, ${top.task}: ${size(top.bytes)} at offset ${group(top.offset)}, ${holes}.`,
  ].join('\n');
}

function nextText({ next, at }: PeakExplanation): string {
  if (!next) return 'At every other moment something of the peak lives: there is no second peak apart from this one.';
  return `Whatever is done about these tensors, ${size(next.bytes)} (${percent(next.bytes, at.bytes)}) remain: step ${group(next.time)}, ${next.task}.`;
}

/** A peak that recurs elsewhere is not lowered by what lowers it here. */
function crowdText({ near }: PeakExplanation): string {
  if (near.operations.length < 2) return '';
  return `Within ${percent(NEAR, 1)} of it at ${group(near.moments)} moments, in ${group(near.operations.length)} operations: ${listed(near.operations, 8)}.`;
}

function levers({ levers: list }: PeakExplanation, terminal: Terminal): string {
  const rows = list.map(({ tensor, without, onDemand, doneBytes, macShare }) => [
    tensor,
    without.task,
    size(without.bytes),
    size(onDemand.bytes),
    doneBytes > 0 ? size(doneBytes) : '–',
    macShare === undefined ? '–' : percent(macShare, 1),
  ]);
  if (rows.length === 0) return '';
  return table(
    ['the peak if', 'were not there, and its place then', 'peak', 'if on demand', 'read no more', 'MACs once more'],
    rows,
    terminal,
    2,
  );
}

function adviceText(advice: readonly Advice[], steps: number): string {
  const helps = advice.filter((each) => each.helps);
  const others = advice.filter((each) => !each.helps);
  return [
    helps.length === 0 ? 'Nothing that this plan shows would lower it.' : 'What would lower it:',
    ...helps.flatMap(({ what, bytes, of, planned, why, limit, command }) => [
      `  to ${size(bytes).padStart(9)}  ${of === 'arena' ? 'of arena, at best: ' : planned ? '' : 'at best: '}${what} (${why})`,
      ...(limit ? [`                then the limit is ${stepText(limit.time, steps)}, ${limit.task}`] : []),
      ...(command === undefined ? [] : [`                ${command}`]),
    ]),
    ...others.map(
      ({ what, why, limit }) =>
        `  no gain       ${what} (${limit && limit.bytes > 0 ? `${size(limit.bytes)} remain at ${stepText(limit.time, steps)}` : why})`,
    ),
  ].join('\n');
}

function triedText(tried: readonly Tried[], terminal: Terminal): string {
  const rows = tried.map(({ flags, peakBytes, arenaBytes, macFactor, cycleFactor, failed }) =>
    failed !== undefined
      ? [flags, failed, '', '', '']
      : [flags, size(peakBytes), size(arenaBytes), `${macFactor.toFixed(2)}`, `${cycleFactor.toFixed(2)}`],
  );
  return table(['really planned', 'peak', 'arena', 'MACs ×', 'cycles ×'], rows, terminal);
}
