import { choiceId, choicesOf, type Plan } from '@regrain/core-ir';
import { percent, size } from '../output/size.js';
import { flagsText } from './flags-text.js';
import type { Moment } from './moments.js';
import type { OpenedPlan } from './open-plan.js';
import type { PeakExplanation } from './peak.js';

/** One thing to try: what it can reach at best by this plan's own figures, and how. */
export interface Advice {
  readonly what: string;
  /** Bytes that remain of the peak, or of the arena. */
  readonly bytes: number;
  readonly of: 'peak' | 'arena';
  /** The bytes are those of a plan with the same cuts; else a limit that nothing of its kind beats in this order. */
  readonly planned: boolean;
  readonly why: string;
  /** Where the limit is then. */
  readonly limit?: Moment;
  /** What to run, or to write into the config. */
  readonly command?: string;
  /** Whether it can save more than a hundredth of the peak. */
  readonly helps: boolean;
}

type Draft = Omit<Advice, 'helps'>;
/** A command with these flags in place of those given. */
type Compile = (instead: Readonly<Record<string, string>>) => string;

/** Less than this share of the peak is not worth a command. */
const WORTH = 0.01;

/** Best first; what was looked at and does not help comes last. */
export function adviceOf({ plan, made }: OpenedPlan, peak: PeakExplanation, path: string): readonly Advice[] {
  const compile: Compile = (instead) =>
    made
      ? `regrain compile ${path} ${flagsText(made.flags, instead)}`
      : `regrain compile MODEL ${flagsText({ target: plan.machine.name }, instead)}`;
  const drafts = [
    ...(made
      ? accountingAdvice(peak, made.accountings.externalInput.peakBytes, made.options.input, compile)
      : inputAdvice(plan, peak, compile)),
    ...recomputeAdvice(plan, peak, compile),
    ...elsewhereAdvice(plan, peak),
    finerAdvice(plan, peak, compile),
    ...packingAdvice(plan, peak, made ? choicesOf(made.options.pipeline.allocate).map(choiceId) : undefined, compile),
  ];
  return drafts
    .map((each) => ({ ...each, helps: (each.of === 'peak' ? peak.at.bytes : peak.arenaBytes) - each.bytes > WORTH * peak.at.bytes }))
    .sort((a, b) => Number(b.helps) - Number(a.helps) || a.bytes - b.bytes);
}

function accountingAdvice(peak: PeakExplanation, bytes: number, input: string, compile: Compile): Draft[] {
  if (input === 'external') return [];
  const why = `planned so with the same cuts; the input holds ${size(inputBytes(peak))} of this peak`;
  return [{ what: 'keep the input outside the arena', bytes, of: 'peak', planned: true, why, command: compile({ input: 'external' }) }];
}

/** From a plan alone: as if its inputs took nothing. */
function inputAdvice({ program }: Plan, peak: PeakExplanation, compile: Compile): Draft[] {
  const inputs = peak.levers.filter(({ tensor }) => program.tensors.some(({ name, kind }) => name === tensor && kind === 'input'));
  return inputs.map(({ tensor, without }) => ({
    what: `keep ${tensor} outside the arena`,
    bytes: without.bytes,
    of: 'peak',
    planned: false,
    why: 'it is an input',
    limit: without,
    command: compile({ input: 'external' }),
  }));
}

/** Of the tensors that wait at the peak, those that help most if computed again. */
function recomputeAdvice(plan: Plan, { levers, parts, at }: PeakExplanation, compile: Compile): Draft[] {
  const waiting = new Map(parts.tensors.map(({ tensor, waitingBytes, kind }) => [tensor, kind === 'activation' ? waitingBytes : 0]));
  const best = levers
    .filter(({ tensor, onDemand }) => (waiting.get(tensor) ?? 0) > 0 && onDemand.bytes < at.bytes)
    .sort((a, b) => a.onDemand.bytes - b.onDemand.bytes)
    .slice(0, 2);
  const factor = plan.constraints.reduce((least, each) => (each.kind === 'mac-factor' ? Math.min(least, each.max) : least), Infinity);
  return best.map(({ tensor, onDemand, macShare }) => {
    const once =
      macShare === undefined ? 'it costs no multiply-accumulates' : `each time costs ${percent(macShare, 1)} of the multiply-accumulates`;
    const allowed = (Number.isFinite(factor) ? factor : 1) + Math.max(0.05, Math.ceil(20 * (macShare ?? 0)) / 20);
    return {
      what: `compute ${tensor} again where it is read`,
      bytes: onDemand.bytes,
      of: 'peak',
      planned: false,
      why: `${size(waiting.get(tensor) ?? 0)} of it only wait there, but what it is made of must be at hand; ${once}`,
      limit: onDemand,
      command: compile({ 'max-mac-factor': allowed.toFixed(2), budget: '60' }),
    };
  });
}

/** The tensor whose absence helps most, in another memory. Of an input, that is its accounting. */
function elsewhereAdvice({ machine }: Plan, { levers, at, parts }: PeakExplanation): Draft[] {
  const inputs = new Set(parts.tensors.flatMap(({ tensor, kind }) => (kind === 'input' ? [tensor] : [])));
  const [best] = levers
    .filter(({ tensor, without }) => !inputs.has(tensor) && without.bytes < at.bytes)
    .toSorted((a, b) => a.without.bytes - b.without.bytes);
  if (!best) return [];
  const reached = new Set(machine.engines.flatMap(({ runs, spaces }) => (runs === 'tasks' ? spaces : [])));
  const moves = machine.engines.some(({ runs }) => runs === 'moves');
  // Where nothing moves, the home of constants is likely flash, which no task can write.
  const other = machine.spaces.find(({ counted }, space) => !counted && reached.has(space) && (moves || space !== machine.home.constant));
  const held = parts.tensors.find(({ tensor }) => tensor === best.tensor);
  const where = other ? '' : `; ${machine.name} has no other that tasks can write, \`regrain targets\` lists machines`;
  return [
    {
      what: `put ${best.tensor} into another memory`,
      bytes: best.without.bytes,
      of: 'peak',
      planned: false,
      why: `${size(held?.bytes ?? 0)} of it are here${where}`,
      limit: best.without,
      ...(other
        ? { command: `constraints: [{ kind: 'pin', tensor: '${best.tensor}', space: '${other.name}' }] in regrain.config.ts` }
        : {}),
    },
  ];
}

function finerAdvice({ trials }: Plan, { levers, at, finest }: PeakExplanation, compile: Compile): Draft {
  const done = levers.filter(({ doneBytes }) => doneBytes > 0).toSorted((a, b) => b.doneBytes - a.doneBytes);
  const bytes = done.reduce((sum, { doneBytes }) => sum + doneBytes, 0);
  return {
    what: `cut finer${done.length > 0 ? `, first ${done[0].tensor}` : ''}`,
    bytes: Math.min(at.bytes, finest.bytes),
    of: 'peak',
    planned: false,
    why: bytes > 0 ? `${size(bytes)} here are never read again but lie in regions that are` : 'every byte here is still read',
    limit: finest,
    command: compile({ iterations: String(Math.max(8, 2 * trials.length)) }),
  };
}

function packingAdvice(plan: Plan, peak: PeakExplanation, used: readonly string[] | undefined, compile: Compile): Draft[] {
  const gap = peak.arenaBytes - peak.gaps.reduce((sum, { peakBytes }) => sum + peakBytes, 0);
  const allocators = used ?? (plan.made?.['allocate'] ? [plan.made['allocate'].id] : []);
  if (gap <= 0)
    return [
      { what: 'another packing', bytes: peak.arenaBytes, of: 'arena', planned: false, why: 'the arena is as high as its live bytes' },
    ];
  if (allocators.includes('exact')) return [];
  return [
    {
      what: 'pack the same lives tighter',
      bytes: peak.arenaBytes - gap,
      of: 'arena',
      planned: false,
      why: `the arena is ${size(gap)} higher than the live bytes`,
      command: compile({ allocate: 'exact' }),
    },
  ];
}

function inputBytes({ parts }: PeakExplanation): number {
  return parts.tensors.reduce((sum, { kind, bytes }) => (kind === 'input' ? sum + bytes : sum), 0);
}
