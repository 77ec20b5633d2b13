import { choiceId, choicesOf, type Plan } from '@regrain/core-ir';
import { group, percent, size } from '../output/size.js';
import type { OpenedPlan } from './open-plan.js';
import type { PeakExplanation } from './peak.js';

/** One thing to try: what it can reach at best by this plan's own figures, and how. */
export interface Advice {
  readonly what: string;
  /** Bytes of the peak, or of the arena, that remain: of a plan with the same cuts where `planned`, a limit that no plan of this order beats otherwise. */
  readonly bytes: number;
  readonly of: 'peak' | 'arena';
  readonly planned: boolean;
  readonly why: string;
  /** Whether it can save more than a hundredth of the peak. */
  readonly helps: boolean;
  /** What to run, or to write into the config. */
  readonly command?: string;
}

/** Less than this share of the peak is not worth a command. */
const WORTH = 0.01;

type Draft = Omit<Advice, 'helps'>;

/** Best first; what was looked at and does not help comes last. */
export function adviceOf({ plan, made }: OpenedPlan, peak: PeakExplanation, model: string): readonly Advice[] {
  const compile = (flags: string): string => `regrain compile ${model} ${flags}`;
  return [
    ...(made
      ? accountingAdvice(peak, made.accountings.externalInput.peakBytes, made.options.input, compile)
      : inputAdvice(plan, peak, compile)),
    ...recomputeAdvice(plan, peak, compile),
    ...elsewhereAdvice(plan, peak),
    ...finerAdvice(plan, peak, compile),
    ...packingAdvice(plan, peak, made ? choicesOf(made.options.pipeline.allocate).map(choiceId) : undefined, compile),
  ]
    .map((each) => ({ ...each, helps: (each.of === 'peak' ? peak.at.bytes : peak.arenaBytes) - each.bytes > WORTH * peak.at.bytes }))
    .sort((a, b) => Number(b.helps) - Number(a.helps) || a.bytes - b.bytes);
}

function accountingAdvice(peak: PeakExplanation, bytes: number, input: string, compile: (flags: string) => string): Draft[] {
  if (input === 'external') return [];
  const why = `planned so with the same cuts; the input holds ${size(inputBytes(peak))} of this peak`;
  return [{ what: 'keep the input outside the arena', bytes, of: 'peak', planned: true, why, command: compile('--input external') }];
}

/** From a plan alone: as if its inputs took nothing. */
function inputAdvice({ program }: Plan, peak: PeakExplanation, compile: (flags: string) => string): Draft[] {
  const inputs = peak.levers.filter(({ tensor }) => program.tensors.some(({ name, kind }) => name === tensor && kind === 'input'));
  return inputs.map(({ tensor, without }) => ({
    what: `keep ${tensor} outside the arena`,
    bytes: without.bytes,
    of: 'peak',
    planned: false,
    why: `then the limit is step ${group(without.time)}, ${without.task}`,
    command: compile('--input external'),
  }));
}

/** Of the tensors that an operation with a price computes, those that wait at the peak. */
function recomputeAdvice(plan: Plan, { levers, parts, at }: PeakExplanation, compile: (flags: string) => string): Draft[] {
  const waiting = new Map(parts.tensors.map(({ tensor, waitingBytes, kind }) => [tensor, kind === 'activation' ? waitingBytes : 0]));
  const best = levers
    .filter(({ tensor, onDemand }) => (waiting.get(tensor) ?? 0) > 0 && onDemand.bytes < at.bytes)
    .sort((a, b) => a.onDemand.bytes - b.onDemand.bytes)
    .slice(0, 2);
  const factor = plan.constraints.reduce((least, each) => (each.kind === 'mac-factor' ? Math.min(least, each.max) : least), Infinity);
  return best.map(({ tensor, onDemand, macShare }) => {
    const once =
      macShare === undefined ? 'it costs no multiply-accumulates' : `each time costs ${percent(macShare, 1)} of the multiply-accumulates`;
    const allowed = Math.max(Number.isFinite(factor) ? factor : 1, 1) + Math.max(0.05, Math.ceil(20 * (macShare ?? 0)) / 20);
    return {
      what: `compute ${tensor} again where it is read`,
      bytes: onDemand.bytes,
      of: 'peak',
      planned: false,
      why: `${size(waiting.get(tensor) ?? 0)} of it only wait there, and what it is made of must be at hand; ${once}; then the limit is step ${group(onDemand.time)}, ${onDemand.task}`,
      command: compile(`--max-mac-factor ${allowed.toFixed(2)}`),
    };
  });
}

/** The tensor whose absence helps most, in another memory. */
function elsewhereAdvice({ machine }: Plan, { levers, at, parts }: PeakExplanation): Draft[] {
  const [best] = levers.filter(({ without }) => without.bytes < at.bytes).toSorted((a, b) => a.without.bytes - b.without.bytes);
  if (!best) return [];
  const held = parts.tensors.find(({ tensor }) => tensor === best.tensor);
  const other = machine.spaces.find(({ counted }) => !counted);
  const room = `${size(held?.bytes ?? 0)} there`;
  return [
    {
      what: `put ${best.tensor} into another memory`,
      bytes: best.without.bytes,
      of: 'peak',
      planned: false,
      why: `it needs ${room}${other ? '' : `; ${machine.name} has one space, \`regrain targets\` lists machines with more`}; then the limit is step ${group(best.without.time)}, ${best.without.task}`,
      ...(other
        ? { command: `constraints: [{ kind: 'pin', tensor: '${best.tensor}', space: '${other.name}' }]   (regrain.config.ts)` }
        : {}),
    },
  ];
}

function finerAdvice({ trials }: Plan, { levers, at }: PeakExplanation, compile: (flags: string) => string): Draft[] {
  const done = levers.reduce((sum, { doneBytes }) => sum + doneBytes, 0);
  const command = compile(`--iterations ${Math.max(8, 2 * trials.length)}`);
  if (done === 0)
    return [{ what: 'a finer cut in this order', bytes: at.bytes, of: 'peak', planned: true, why: 'every byte at the peak is still read' }];
  const worst = levers.toSorted((a, b) => b.doneBytes - a.doneBytes).filter(({ doneBytes }) => doneBytes > 0);
  return [
    {
      what: `cut ${worst
        .slice(0, 3)
        .map(({ tensor }) => tensor)
        .join(', ')} finer`,
      bytes: at.bytes - done,
      of: 'peak',
      planned: false,
      why: `${size(done)} at the peak are never read again but lie in regions that are`,
      command,
    },
  ];
}

function packingAdvice(
  plan: Plan,
  peak: PeakExplanation,
  used: readonly string[] | undefined,
  compile: (flags: string) => string,
): Draft[] {
  const gap = peak.arenaBytes - peak.gaps.reduce((sum, { peakBytes }) => sum + peakBytes, 0);
  const allocators = used ?? (plan.made?.['allocate'] ? [plan.made['allocate'].id] : []);
  const better = ['best-fit', 'hill-climb', 'exact'].filter((id) => !allocators.includes(id));
  if (gap <= 0)
    return [{ what: 'another packing', bytes: peak.arenaBytes, of: 'arena', planned: true, why: 'the arena is as high as its live bytes' }];
  if (better.length === 0) return [];
  return [
    {
      what: 'pack the same lives tighter',
      bytes: peak.arenaBytes - gap,
      of: 'arena',
      planned: false,
      why: `the arena is ${size(gap)} higher than the live bytes`,
      command: compile(`--allocate ${better.at(-1)}`),
    },
  ];
}

function inputBytes({ parts }: PeakExplanation): number {
  return parts.tensors.reduce((sum, { kind, bytes }) => (kind === 'input' ? sum + bytes : sum), 0);
}
