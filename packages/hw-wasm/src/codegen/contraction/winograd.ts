import { type Box, dimensionsOf, type Values } from '@regrain/core-ir';
import { elementAt } from '../../layout/packing.js';
import { type KernelShape, keyOf, type SelectContext, type Selected } from '../kernel.js';
import { coefficient, constantOf, leaves, outsideVector } from '../operand-access.js';
import { type Contraction, type ContractionExtras, contractionOf } from './plan.js';
import { WinogradKernel } from './winograd-kernel.js';

/** Outputs of one short convolution, and columns that it reads and multiplies: F(4, 3). */
export const OUTPUTS = 4;
export const COLUMNS = 6;

/** Short convolutions of one row that are multiplied together. */
export const TILES = [4, 2, 1] as const;

/** With fewer terms or outputs the transforms cost more than the products that they save. */
const FEWEST_TERMS = 8;
const FEWEST_OUTPUTS = 8;

/**
 * G of F(4, 3), points 0, ±1, ±2 and ∞: three weights of a row to six factors. Lavin & Gray, "Fast Algorithms for Convolutional Neural
 * Networks" (CVPR 2016), section 4.2.
 */
const WEIGHTS = [
  [1 / 4, 0, 0],
  [-1 / 6, -1 / 6, -1 / 6],
  [-1 / 6, 1 / 6, -1 / 6],
  [1 / 24, 1 / 12, 1 / 6],
  [1 / 24, -1 / 12, 1 / 6],
  [0, 0, 1],
] as const;

/** A window of three columns that slides along a row of points, column by column. */
export interface Short {
  /** Reduction dimension of the window's columns, and the tensor dimension along which they lie. */
  readonly column: number;
  readonly tensorDimension: number;
  /** The column that point 0 reads first. */
  readonly start: number;
  /** The other reduction dimensions but the innermost: the window's rows. */
  readonly rows: readonly number[];
}

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

interface Packing {
  readonly n: number;
  readonly r: number;
  readonly rows: readonly number[];
  readonly column: number;
  readonly panel: number;
}

/** Per panel of outputs, per factor, per row of the window and term: a factor of each output. */
function packFactors(values: Values, map: Parameters<typeof elementAt>[1], extents: readonly number[], plan: Packing): Uint8Array {
  const { n, r, rows, column, panel } = plan;
  const panels = Math.ceil(extents[n] / panel);
  const taps = rows.reduce((product, d) => product * extents[d], 1);
  const terms = extents[r];
  const data = new Float32Array(panels * COLUMNS * taps * terms * panel);
  const point = extents.map(() => 0);
  const walk = (level: number, tap: number, visit: (tap: number) => void): void => {
    if (level === rows.length) {
      visit(tap);
      return;
    }
    const extent = extents[rows[level]];
    for (let x = 0; x < extent; x++) {
      point[rows[level]] = x;
      walk(level + 1, tap * extent + x, visit);
    }
  };
  for (let output = 0; output < extents[n]; output++) {
    point[n] = output;
    const p = Math.floor(output / panel);
    walk(0, 0, (tap) => {
      for (let k = 0; k < terms; k++) {
        point[r] = k;
        const row = [0, 1, 2].map((x) => {
          point[column] = x;
          return elementAt(values, map, point);
        });
        WEIGHTS.forEach((factors, j) => {
          const at = (((p * COLUMNS + j) * taps + tap) * terms + k) * panel + (output % panel);
          data[at] = factors.reduce((sum, factor, x) => sum + factor * row[x], 0);
        });
      }
    });
  }
  return new Uint8Array(data.buffer);
}
