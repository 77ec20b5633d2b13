import type { Maker } from '@regrain/core-ir';
import { group, percent, size } from '../output/size.js';
import { table } from '../output/table.js';
import type { Terminal } from '../output/terminal.js';
import { cutText } from './cuts.js';
import type { EditRound } from './edits.js';
import { listed } from './names.js';
import { timeText } from './show-peak.js';
import type { RegionExplanation, TensorExplanation, Usage, UserOfTensor } from './tensor.js';

interface Context {
  readonly steps: number;
  readonly rounds: number;
  /** What the decomposer says of itself. */
  readonly rule?: string;
  readonly terminal: Terminal;
}

export function showTensor(tensor: TensorExplanation, context: Context): string {
  const { terminal } = context;
  return `${[tensorLines(tensor, context), roundLines(tensor.rounds, context, tensor.tensor, terminal)].join('\n\n')}\n`;
}

export function showRegion(region: RegionExplanation, context: Context): string {
  const { terminal, steps } = context;
  const lines: [string, string][] = [
    [
      'size',
      `${size(region.bytes)} (${percent(region.bytes, region.of.bytes)} of ${region.of.tensor})${region.role === 'primary' ? '' : `, ${region.role}`}`,
    ],
    ['written by', stepsText(region.writers, region.writes) || 'the caller'],
    ['read by', stepsText(region.readers, region.reads) || 'nobody'],
    ...region.placements.map(({ space, offset, bytes, since, until }): [string, string] => [
      'lies',
      `at offset ${group(offset)} of ${space}, ${group(bytes)} bytes, steps ${timeText(since, steps)} to ${timeText(until, steps)}`,
    ]),
    ...(region.placements.length === 0 ? [['lies', 'outside the arena: a constant or an external input'] as [string, string]] : []),
    [
      'waits',
      region.idleSteps === 0 ? 'never: it is used at every step that it lives' : `at ${group(region.idleSteps)} of the steps that it lives`,
    ],
    ['use', usageText(region.usage)],
  ];
  return `${[
    `Region ${region.region}, ${region.name}`,
    labelled(lines),
    `It is part of ${region.of.tensor}.`,
    tensorLines(region.of, context),
    roundLines(region.rounds, context, 'this region', terminal),
  ].join('\n\n')}\n`;
}

function tensorLines(tensor: TensorExplanation, { steps, rule }: Context): string {
  const { shape, dtype, bytes, cuts, regions, regionBytes, most, life, decomposer, atPeak } = tensor;
  const per = regionBytes.least === regionBytes.most ? size(regionBytes.most) : `${size(regionBytes.least)} to ${size(regionBytes.most)}`;
  const lines: [string, string][] = [
    ['cut', `${cutText(cuts, regions, shape.length)}${regions > 1 ? `: ${group(regions)} regions of ${per}` : ''}`],
    [
      'by',
      `${decomposer ? `${makerText(decomposer)}${rule ? `: ${rule}` : ''}` : 'a decomposer that the plan does not name'}${keptText(tensor.rounds)}`,
    ],
    ...tensor.choices.map((choice): [string, string] => ['beside', choice]),
    ...(tensor.replicas > 0 ? [['copies', `${group(tensor.replicas)} regions that are computed again`] as [string, string]] : []),
    ...(tensor.accumulators > 0 ? [['sums', `${group(tensor.accumulators)} accumulators`] as [string, string]] : []),
    [
      'made by',
      usersText(tensor.writers) || (tensor.kind === 'input' ? 'the caller' : tensor.kind === 'constant' ? 'the model file' : 'nobody'),
    ],
    ['read by', usersText(tensor.readers) || 'nobody'],
  ];
  if (most && life)
    lines.push(
      [
        'lives',
        `steps ${timeText(tensor.since ?? 0, steps)} to ${timeText(tensor.until ?? 0, steps)}; a region for ${life.mean.toFixed(1)} steps, at most ${group(life.most)}`,
      ],
      ['at most', `${size(most.bytes)} at once (${percent(most.bytes, bytes)} of it), step ${timeText(most.time, steps)}, ${most.task}`],
      [
        'at peak',
        atPeak.bytes > 0
          ? `${size(atPeak.bytes)} in ${atPeak.regions.length === 1 ? 'region' : `${group(atPeak.regions.length)} regions:`} ${listed(atPeak.regions.map(String), 6)}`
          : 'not there',
      ],
    );
  else lines.push(['lives', 'outside the arena: it takes no bytes there']);
  lines.push(['use', usageText(tensor.usage)]);
  return `${tensor.tensor}: ${dtype} [${shape.join(', ')}], ${size(bytes)}, ${tensor.kind === 'computed' ? 'activation' : tensor.kind}\n\n${labelled(lines)}`;
}

function keptText(rounds: readonly EditRound[]): string {
  const kept = rounds.filter((round) => round.kept).map(({ iteration }) => String(iteration));
  return kept.length === 0 ? '' : ` Then edited by the adjuster in round${kept.length === 1 ? '' : 's'} ${listed(kept, 8)}.`;
}

function usageText({ bytesRead, bytesWritten, reuse, accesses, contention }: Usage): string {
  return [
    `${group(accesses)} accesses, ${size(bytesRead)} read${bytesWritten > 0 ? `, ${size(bytesWritten)} written` : ''}`,
    ...(reuse === undefined ? [] : [`every byte read ${reuse.toFixed(2)} times`]),
    contention === undefined
      ? 'waiting was not observed (compile to see it)'
      : `tasks waited for it ${percent(contention, 1)} of their time`,
  ].join('; ');
}

function usersText(users: readonly UserOfTensor[]): string {
  return users
    .slice(0, 6)
    .map(({ operation, type, tasks }) => `${operation} (${type}, ${group(tasks)} task${tasks === 1 ? '' : 's'})`)
    .concat(users.length > 6 ? [`${users.length - 6} more`] : [])
    .join(', ');
}

function stepsText(names: readonly string[], at: readonly number[]): string {
  if (at.length === 0) return '';
  const shown = at.slice(0, 6).map(group).join(', ');
  return `${listed(names, 3)} (step${at.length === 1 ? '' : 's'} ${shown}${at.length > 6 ? `, … ${group(at.at(-1) as number)}; ${group(at.length)} in all` : ''})`;
}

export function makerText({ id, options = {} }: Maker): string {
  const set = Object.entries(options).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  return set.length > 0 ? `${id} (${set.join(', ')})` : `${id} with its defaults`;
}

function roundLines(rounds: readonly EditRound[], { rounds: all }: Context, what: string, terminal: Terminal): string {
  if (all === 0) return 'The adjuster tried nothing.';
  if (rounds.length === 0) return `None of the adjuster's ${all} round${all === 1 ? '' : 's'} touched ${what}.`;
  const change = (before: number, after: number | undefined, show: (value: number) => string): string =>
    `${show(before)} → ${after === undefined ? 'does not fit' : show(after)}`;
  const rows = rounds.map(({ iteration, what: edits, batch, kept, effect, score }) => [
    String(iteration),
    listed(edits, 3),
    kept ? 'kept' : 'dropped',
    `${group(batch)}`,
    effect ? change(effect.before.peakBytes, effect.after?.peakBytes, size) : '',
    effect
      ? change(effect.before.arenaBytes, effect.after?.arenaBytes, size)
      : change(score.before, Number.isFinite(score.after) ? score.after : undefined, group),
    effect ? change(effect.before.cycles, effect.after?.cycles, group) : '',
  ]);
  const known = rounds.some(({ effect }) => effect);
  return table(
    ['round', 'edits of it', '', 'in batch', known ? 'peak' : '', known ? 'arena' : 'score', known ? 'cycles' : ''],
    rows,
    terminal,
    3,
  );
}

function labelled(lines: readonly (readonly [string, string])[]): string {
  const width = Math.max(...lines.map(([label]) => label.length));
  let before = '';
  return lines
    .map(([label, text]) => {
      const shown = label === before ? '' : label;
      before = label;
      return `  ${shown.padEnd(width)}  ${text}`;
    })
    .join('\n');
}
