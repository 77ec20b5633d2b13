import { type Box, dimensionsOf } from '@regrain/core-ir';
import { type KernelShape, keyOf, type SelectContext, type Selected } from '../kernel.js';
import { coefficient, constantOf, leaves, outsideVector } from '../operand-access.js';
import { type Contraction, type ContractionExtras, contractionOf } from './plan.js';
import { COLUMNS, OUTPUTS, type Short, type Tall, TILES } from './winograd.js';
import { packFactors } from './winograd-factors.js';
import { WinogradKernel } from './winograd-kernel.js';

/** With fewer terms or outputs the transforms cost more than the products that they save. */
const FEWEST_TERMS = 8;
const FEWEST_OUTPUTS = 8;

/**
 * A convolution with three columns of stride 1 by Winograd's short convolutions. Four outputs of a row share six columns: half the products.
 * Where there are three rows of stride 1, too, and the task's rows come in fours, 4 × 4 outputs share 6 × 6 elements: a quarter of the
 * products. Blocks lie at multiples of four of the tensor, so bits depend on how a tensor is cut only where tasks cut blocks: their columns
 * then take the direct kernel, their rows blocks of one row.
 */
export function selectWinograd(shape: KernelShape, context: SelectContext, box: Box): Selected | undefined {
  if (!context.fast) return undefined;
  const extra: number[] = [];
  const found = contractionOf(shape, context, box, extra);
  const plan = found && { ...found, pixels: inOrder(shape, found) };
  const short = plan && shortOf(shape, plan, box);
  if (!plan || !short) return undefined;
  const { segment } = context;
  const { domain, operands } = shape.operation;
  const { tensor, map } = operands[plan.b];
  const extents = domain.map(({ extent }) => extent);
  const packing = { n: plan.n, r: plan.r, rows: short.rows, column: short.column, panel: plan.panel, tall: short.tall !== undefined };
  const key = `winograd ${tensor} ${JSON.stringify([map, extents, packing])}`;
  const weights = extra.push(segment.once(key, () => segment.put(packFactors(context.valuesOf(tensor), map, extents, packing)))) - 1;
  const outside = outsideFor(shape, context, plan, short, extra);
  const extras: ContractionExtras = { weights, ...(outside === undefined ? {} : { outside }), extras: extra.length + 1 };
  const rows = short.tall ? COLUMNS : short.rows.reduce((product, d) => product * extents[d], 1);
  const sums = plan.panel * (short.tall ? COLUMNS : 1);
  return {
    kind: 'contraction',
    key: `winograd ${JSON.stringify([plan, short, extras])} ${keyOf(shape)}`,
    write: (fn, imports) => new WinogradKernel(shape, plan, extras, short, fn, imports).write(),
    extra,
    scratch: 4 * COLUMNS * TILES[0] * (rows * extents[plan.r] + sums),
  };
}

/** Blocks lie along the last dimension whatever the layout: which of two windows is transformed first changes bits. */
function inOrder({ operation: { domain } }: KernelShape, { pixels }: Contraction): readonly number[] {
  const last = Math.max(-1, ...pixels.filter((d) => domain[d].extent > 1));
  return last < 0 ? pixels : [...pixels.filter((d) => d !== last), last];
}

/**
 * Whether a task's points come in blocks of four: by the operation and the box alone, so that layouts do not change results (but for channels in
 * regions that fours do not fill).
 */
function shortOf({ operation, shapes }: KernelShape, plan: Contraction, box: Box): Short | undefined {
  const { domain, operands } = operation;
  const { r, n, a, taps } = plan;
  const along = plan.pixels.at(-1);
  if (plan.integer || along === undefined || plan.phases.length > 0 || plan.panel !== 8) return undefined;
  if (domain[r].extent % 4 !== 0 || domain[r].extent < FEWEST_TERMS || domain[n].extent < FEWEST_OUTPUTS) return undefined;
  // Terms are transformed in fours.
  if ((plan.block ?? 0) % 4 !== 0) return undefined;
  const { map } = operands[a];
  if (map.some((range) => range === 'all' || dimensionsOf(range.at).has(n))) return undefined;
  const slides = sliding(operation, a, taps, along);
  if (!slides || !inBlocks(box[along], domain[along].extent)) return undefined;
  const { window: column, tensorDimension, start } = slides;
  const rows = taps.filter((d) => d !== column);
  const tall = tallOf(operation, shapes[a], plan, rows, box);
  return { column, tensorDimension, start, rows, ...(tall && { tall }) };
}

/** A window of three elements that moves by one from point to point of a dimension, alone in its tensor dimension. */
function sliding(
  { domain, operands }: KernelShape['operation'],
  a: number,
  taps: readonly number[],
  along: number,
): { readonly window: number; readonly tensorDimension: number; readonly start: number } | undefined {
  const { map } = operands[a];
  const uses = (t: number, d: number): boolean => {
    const range = map[t];
    return range !== 'all' && dimensionsOf(range.at).has(d);
  };
  const tensorDimension = map.findIndex((_, t) => uses(t, along));
  const range = map[tensorDimension];
  if (!range || range === 'all' || coefficient(range.at, along) !== 1 || dimensionsOf(range.at).size !== 2) return undefined;
  const window = taps.find((d) => coefficient(range.at, d) === 1 && domain[d].extent === 3);
  if (window === undefined) return undefined;
  if (map.some((_, t) => t !== tensorDimension && (uses(t, along) || uses(t, window)))) return undefined;
  return { window, tensorDimension, start: constantOf(range.at) };
}

function inBlocks([lo, hi]: Box[number], extent: number): boolean {
  return lo % OUTPUTS === 0 && (hi % OUTPUTS === 0 || hi === extent);
}

function tallOf(
  operation: KernelShape['operation'],
  shape: readonly number[],
  plan: Contraction,
  rows: readonly number[],
  box: Box,
): Tall | undefined {
  const { domain } = operation;
  const long = rows.filter((d) => domain[d].extent > 1);
  const along = plan.pixels.slice(0, -1).find((d) => domain[d].extent >= OUTPUTS && sliding(operation, plan.a, long, d));
  if (long.length !== 1 || along === undefined || !inBlocks(box[along], domain[along].extent)) return undefined;
  const slides = sliding(operation, plan.a, long, along);
  if (!slides) return undefined;
  const { window, tensorDimension, start } = slides;
  return { window, along, start, end: Math.min(shape[tensorDimension], domain[along].extent + start + COLUMNS - OUTPUTS) };
}

/** What stands for columns and rows outside the tensor: those of padding, and those behind the last point where blocks reach further. */
function outsideFor(shape: KernelShape, context: SelectContext, plan: Contraction, short: Short, extra: number[]): number | undefined {
  const { domain, operands } = shape.operation;
  const along = [plan.pixels[plan.pixels.length - 1], ...(short.tall ? [short.tall.along] : [])];
  if (along.every((d) => domain[d].extent % OUTPUTS === 0) && !leaves(shape, plan.a)) return undefined;
  const bytes = domain[plan.r].extent * plan.strideR + 16;
  return extra.push(outsideVector(context, 'float32', operands[plan.a].outside ?? 0, bytes)) - 1;
}
