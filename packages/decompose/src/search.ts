import {
  badInput,
  type Context,
  type Decomposer,
  expand,
  type Grain,
  macsOf,
  PluginOptions,
  type Program,
  usableBytes,
  wholeTensorGrain,
} from '@regrain/core-ir';
import { inject, injectable } from 'inversify';
import { z } from 'zod';
import { lowered, type Route, routesOf, widened } from './search/boundaries.js';
import { type Geometry, geometryOf } from './search/geometry.js';
import { fewestWithin, paretoSet } from './search/pareto-set.js';
import { realise } from './search/realise.js';
import { secondPasses, type Variant } from './search/second-pass.js';
import type { SegmentLimits } from './search/segment.js';
import { endedTall } from './search/tall-end.js';

export const searchOptions = z.strictObject({
  maxMacFactor: z
    .number()
    .min(1)
    .optional()
    .describe('multiply-accumulates with recomputation ÷ without, at most (default: the mac-factor constraint, or none extra)'),
  factors: z.array(z.number().min(1)).default([]).describe('up to each of these, too, a point is made that spends all it may'),
  point: z.number().int().min(0).optional().describe('take this point of the front up to maxMacFactor; 0 recomputes nothing'),
  columns: z.array(z.number().int().min(0)).min(1).default([1, 2, 4, 8]).describe('widths of tiles to choose from; 0: whole rows'),
  rows: z.array(z.number().int().min(1)).min(1).default([1, 2, 4, 8]).describe('rows made at a time, to choose from'),
  maxTiles: z.number().int().min(1).default(6400).describe('tiles of one tensor, at most; larger maps get wider ones'),
  maxOperations: z.number().int().min(1).default(40).describe('operations of one streamed segment, at most'),
  maxCopies: z.number().int().min(0).default(12).describe('chains of operations that run again for a late reader, at most; 0: none'),
  maxTried: z.number().int().min(1).default(12).describe('such chains tried at one place'),
  keep: z.number().int().min(1).default(24).describe('points kept per state of the search'),
});
export type SearchOptions = z.output<typeof searchOptions>;

/** One point of the memory/compute front, as the cost model sees it. */
export interface FrontPoint {
  readonly bytes: number;
  readonly macFactor: number;
  /** The point before it, with all spent that may be: its other segments near the peak are lower, too. */
  readonly spending: boolean;
  readonly grain: () => Grain;
}

/**
 * Decomposition as search with a cost model: a dynamic program over the boundaries at which tensors are stored whole, the segments
 * between them streamed in tiles, and per edge the choice to keep the overlap of bands or to compute it again. The grain is the point
 * of fewest bytes within the allowed MACs. The model is an estimate; what a plan takes is found by planning it.
 * Sources: fusion blocks (msf-CNN, Huang & Baccelli 2025), stream buffers (StreamNet, Zheng et al. 2023), fused layers (Alwani et al. 2016).
 */
@injectable()
export class SearchDecomposer implements Decomposer {
  constructor(@inject(PluginOptions) private readonly options: SearchOptions) {}

  decompose(program: Program, context: Context): Grain {
    if (program.trace || program.operations.length === 0) return wholeTensorGrain(program);
    const limit =
      this.options.maxMacFactor ??
      context.constraints.reduce((least, c) => (c.kind === 'mac-factor' ? Math.min(least, c.max) : least), Infinity);
    const factor = Number.isFinite(limit) ? limit : 1;
    if (factor < 1) throw badInput(`constraint mac-factor: ${factor} is below 1, which is the program without recomputation`);
    const points = frontOf(program, context, this.options, factor).filter(({ macFactor }) => macFactor <= factor + 1e-9);
    const { point } = this.options;
    if (point !== undefined) return (points[Math.min(point, points.length - 1)] as FrontPoint).grain();
    // The model clips bands a little differently than the map's edges do: the first point that really stays within.
    for (let k = points.length - 1; k > 0; k--) {
      const grain = points[k].grain();
      if (macFactorOf(program, grain) <= factor + 1e-9) return grain;
    }
    return points[0]?.grain() ?? wholeTensorGrain(program);
  }
}

/** The front up to a MAC factor, ascending in MACs; searched once per program and way of counting inputs. */
export function frontOf(
  program: Program,
  context: Pick<Context, 'constraints' | 'machine' | 'signal'>,
  options: SearchOptions,
  macFactor: number,
): readonly FrontPoint[] {
  const { constraints, machine, signal } = context;
  const counted = new Set(machine.spaces.flatMap(({ name, counted: counts }) => (counts ? [name] : [])));
  const access = new Map(
    constraints.flatMap((each) => {
      if (each.kind === 'input') return [[each.tensor, each.access] as const];
      return each.kind === 'pin' && !counted.has(each.space) ? [[each.tensor, 'external'] as const] : [];
    }),
  );
  const pinned = new Set(constraints.flatMap((each) => (each.kind === 'pin' ? [each.tensor] : [])));
  // An order of operations that the user demands is one of those that the program has.
  const maxCopies = constraints.some(({ kind }) => kind === 'before') ? 0 : options.maxCopies;
  const align = machine.spaces.reduce((most, space) => (space.counted ? Math.max(most, space.align) : most), 1);
  const capacity = capacityOf(context);
  const { maxMacFactor: _, point: __, ...model } = options;
  const key = JSON.stringify([model, [...access], align, capacity, maxCopies, [...pinned]]);
  const known = fronts.get(program) ?? new Map<string, Known>();
  fronts.set(program, known);
  let front = known.get(key);
  if (front?.macFactor !== macFactor) {
    front = { macFactor, points: search(program, access, pinned, { align, capacity }, { ...options, maxCopies }, macFactor, signal) };
    known.set(key, front);
  }
  return front.points;
}

function search(
  program: Program,
  access: ReadonlyMap<string, 'resident' | 'streamed' | 'external'>,
  pinned: ReadonlySet<string>,
  { align, capacity }: Pick<SegmentLimits, 'align' | 'capacity'>,
  options: SearchOptions,
  macFactor: number,
  signal: AbortSignal,
): FrontPoint[] {
  const geometry = geometryOf(program);
  const extraMacs = (macFactor - 1) * geometry.macs;
  const accessOf = (tensor: number): 'resident' | 'streamed' | 'external' | undefined => {
    const { kind, name } = program.tensors[tensor] ?? { kind: 'computed', name: '' };
    return access.get(name) ?? (kind === 'input' ? 'resident' : undefined);
  };
  const limits: SegmentLimits = {
    maxTiles: options.maxTiles,
    bands: options.rows,
    maxOperations: options.maxOperations,
    extraMacs,
    most: () => Number.POSITIVE_INFINITY,
    keep: options.keep,
    align,
    capacity,
    mayRecompute: () => true,
    access: accessOf,
  };
  // What is known to go with fewer bytes, from a rough look, is not looked at closely.
  let most = limits.most;
  /** Within what the copies of a program leave of the extra MACs. */
  const within = ({ macs }: Geometry): SegmentLimits => {
    const spent = macs - geometry.macs;
    return { ...limits, most: (extra) => most(extra + spent) * (1 + 1e-9), extraMacs: extraMacs - spent };
  };
  const full = (each: Geometry): Route[] => routesOf(each, options.columns, within(each), signal);
  /** A quick look: one width of tiles, one row at a time. */
  const rough = (each: Geometry): Route[] =>
    routesOf(each, [options.columns[options.columns.length >> 1]], { ...within(each), bands: [1], keep: ROUGHLY }, signal);
  const bytesOf = (tensor: number, { grids }: Geometry): number => (accessOf(tensor) === 'external' ? 0 : grids[tensor].bytes);
  const fixed = (tensor: number): boolean => pinned.has(program.tensors[tensor]?.name ?? '');
  const passes = { macs: geometry.macs, extraMacs, maxTried: options.maxTried, maxCopies: options.maxCopies, bytesOf, fixed };
  const tried = bothAxes(program, geometry, rough, (first) => {
    most = fewestWithin(first.routes, extraMacs);
    return secondPasses(program, first, passes, rough);
  });
  const total = (variant: Variant, route: Route): number => route.macs + variant.geometry.macs - geometry.macs;
  const frontOfAll = (variants: readonly Variant[]) =>
    paretoSet(
      variants.flatMap((variant) =>
        variant.routes.map((route) => ({ variant, route, bytes: route.bytes, rest: route.rest, macs: total(variant, route) })),
      ),
      geometry.macs * 0.001,
    );
  most = fewestWithin(frontOfAll(tried), extraMacs);
  const promising = new Set([tried[0], ...frontOfAll(tried).map(({ variant }) => variant)]);
  const variants = [...promising].map((variant) => ({ ...variant, routes: [...full(variant.geometry), ...variant.routes] }));
  const front = frontOfAll(variants);
  const spent = [...options.factors.filter((factor) => factor < macFactor), macFactor].flatMap((factor) => {
    const extra = (factor - 1) * geometry.macs;
    const fewest = front.findLast(({ macs }) => macs <= extra);
    if (!fewest) return [];
    const { geometry: own } = fewest.variant;
    const bounds = { ...limits, extraMacs: extra - (own.macs - geometry.macs) };
    const route = lowered(own, fewest.route, options.columns, bounds);
    const macs = total(fewest.variant, route);
    if (macs <= fewest.macs) return [];
    return [{ ...fewest, route, macs, bytes: Math.min(route.bytes, fewest.bytes * NEARLY), spending: true }];
  });
  const points = [...front.map((point) => ({ ...point, spending: false })), ...spent];
  return points
    .sort((a, b) => a.macs - b.macs)
    .map(({ variant, route, bytes, macs, spending }) => ({
      bytes,
      spending,
      macFactor: geometry.macs > 0 ? 1 + macs / geometry.macs : 1,
      grain: () => ({
        ...realise(
          variant.geometry,
          endedTall(
            variant.geometry,
            widened(variant.geometry, route, [...options.columns, ...WIDER], within(variant.geometry)),
            options.columns,
            limits,
          ),
          options.maxTiles,
          align,
        ),
        ...(variant.copies.length > 0 ? { copies: variant.copies } : {}),
      }),
    }));
}

/** Bytes of the counted spaces, where something moves regions between them and others; else nothing is gained by being nearly small enough. */
function capacityOf({ constraints, machine }: Pick<Context, 'constraints' | 'machine'>): number {
  const { spaces, engines } = machine;
  const moves = engines.some(({ runs, spaces: reached }) => runs === 'moves' && reached.some((space) => spaces[space].counted));
  if (!moves) return Number.POSITIVE_INFINITY;
  return spaces.reduce((sum, { counted }, space) => (counted ? sum + usableBytes(machine, space, constraints) : sum), 0);
}

/** Variants of the axis that takes the fewest bytes at a quick look (rows, if both take the same), and the other axis as it is. */
function bothAxes(
  program: Program,
  geometry: Geometry,
  rough: (geometry: Geometry) => Route[],
  variantsOf: (first: Variant) => readonly Variant[],
): readonly Variant[] {
  const [rows, columns] = [geometry, geometryOf(program, 'columns')].map((each) => ({ copies: [], geometry: each, routes: rough(each) }));
  const least = ({ routes }: Variant): number => routes.at(-1)?.bytes ?? Number.POSITIVE_INFINITY;
  const [first, other] = least(columns) < least(rows) ? [columns, rows] : [rows, columns];
  return [...variantsOf(first), other];
}

/** A point that spends more on no less by estimate counts as so much less. */
const NEARLY = 0.999;

/** Points kept per state where the search only looks. */
const ROUGHLY = 6;

/** Tiles for segments that are far from the peak. */
const WIDER = [16, 0];

interface Known {
  readonly macFactor: number;
  readonly points: readonly FrontPoint[];
}
const fronts = new WeakMap<Program, Map<string, Known>>();

/** MACs that a grain's tasks execute ÷ those of the program. */
export function macFactorOf(program: Program, grain: Grain): number {
  const whole = program.operations.reduce((sum, { macs }) => sum + macs, 0);
  if (whole === 0 || (grain.recompute.length === 0 && !grain.copies)) return 1;
  return macsOf(program, expand(program, grain)) / whole;
}
