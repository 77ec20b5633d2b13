import { type Box, dimensionsOf } from '@regrain/core-ir';
import { type KernelShape, keyOf, type SelectContext, type Selected } from '../kernel.js';
import { coefficient, constantOf, leaves, outsideVector } from '../operand-access.js';
import { type Contraction, type ContractionExtras, contractionOf } from './plan.js';
import { COLUMNS, OUTPUTS, type Short, TILES } from './winograd.js';
import { packFactors } from './winograd-factors.js';
import { WinogradKernel } from './winograd-kernel.js';

/** With fewer terms or outputs the transforms cost more than the products that they save. */
const FEWEST_TERMS = 8;
const FEWEST_OUTPUTS = 8;

/**
 * A convolution with three columns of stride 1 along each row by Winograd's short convolutions: half the products. Four outputs share six
 * columns; blocks of four lie at multiples of four of the tensor, so the bits do not depend on bands of rows. Tasks whose columns are
 * cut elsewhere take the direct kernel.
 */
export function selectWinograd(shape: KernelShape, context: SelectContext, box: Box): Selected | undefined {
  if (!context.fast) return undefined;
  const extra: number[] = [];
  const plan = contractionOf(shape, context, box, extra);
  const short = plan && shortOf(shape, plan, box);
  if (!plan || !short) return undefined;
  const { segment } = context;
  const { domain, operands } = shape.operation;
  const { tensor, map } = operands[plan.b];
  const extents = domain.map(({ extent }) => extent);
  const packing = { n: plan.n, r: plan.r, rows: short.rows, column: short.column, panel: plan.panel };
  const key = `winograd ${tensor} ${JSON.stringify([map, extents, packing])}`;
  const weights = extra.push(segment.once(key, () => segment.put(packFactors(context.valuesOf(tensor), map, extents, packing)))) - 1;
  const outside = outsideFor(shape, context, plan, extra);
  const extras: ContractionExtras = { weights, ...(outside === undefined ? {} : { outside }), extras: extra.length + 1 };
  const terms = short.rows.reduce((product, d) => product * extents[d], extents[plan.r]);
  return {
    kind: 'contraction',
    key: `winograd ${JSON.stringify([plan, short, extras])} ${keyOf(shape)}`,
    write: (fn, imports) => new WinogradKernel(shape, plan, extras, short, fn, imports).write(),
    extra,
    scratch: 4 * COLUMNS * TILES[0] * (terms + plan.panel),
  };
}

/**
 * Whether a task's points come in blocks of four: by the operation and the box alone, so that layouts do not change results (but for channels in
 * regions that fours do not fill).
 */
function shortOf({ operation }: KernelShape, plan: Contraction, box: Box): Short | undefined {
  const { domain, operands } = operation;
  const { r, n, a, taps } = plan;
  const along = plan.pixels.at(-1);
  if (plan.integer || along === undefined || plan.phases.length > 0 || plan.panel !== 8) return undefined;
  if (domain[r].extent % 4 !== 0 || domain[r].extent < FEWEST_TERMS || domain[n].extent < FEWEST_OUTPUTS) return undefined;
  // Terms are transformed in fours.
  if ((plan.block ?? 0) % 4 !== 0) return undefined;
  const { map } = operands[a];
  if (map.some((range) => range === 'all' || dimensionsOf(range.at).has(n))) return undefined;
  const tensorDimension = map.findIndex((range) => range !== 'all' && dimensionsOf(range.at).has(along));
  const range = map[tensorDimension];
  if (!range || range === 'all' || coefficient(range.at, along) !== 1) return undefined;
  const column = taps.find((d) => coefficient(range.at, d) === 1 && domain[d].extent === 3);
  if (column === undefined || dimensionsOf(range.at).size !== 2) return undefined;
  if (map.some((other, t) => t !== tensorDimension && other !== 'all' && [along, column].some((d) => dimensionsOf(other.at).has(d)))) {
    return undefined;
  }
  const [lo, hi] = box[along];
  if (lo % OUTPUTS !== 0 || (hi % OUTPUTS !== 0 && hi !== domain[along].extent)) return undefined;
  return { column, tensorDimension, start: constantOf(range.at), rows: taps.filter((d) => d !== column) };
}

/** What stands for columns and rows outside the tensor: those of padding, and those behind the last point where blocks reach further. */
function outsideFor(shape: KernelShape, context: SelectContext, plan: Contraction, extra: number[]): number | undefined {
  const { domain, operands } = shape.operation;
  const cut = domain[plan.pixels[plan.pixels.length - 1]].extent % OUTPUTS !== 0;
  if (!cut && !leaves(shape, plan.a)) return undefined;
  const bytes = domain[plan.r].extent * plan.strideR + 16;
  return extra.push(outsideVector(context, 'float32', operands[plan.a].outside ?? 0, bytes)) - 1;
}
