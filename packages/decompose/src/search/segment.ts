import { bottleneckAt, groupedBytes } from './channel-groups.js';
import type { Geometry, Grid, Node, Window } from './geometry.js';
import { type Priced, paretoSet } from './pareto-set.js';

/**
 * How a tensor inside a streamed segment is made and held. Rows are relative to the end of a band of its readers: `hi` are made ahead,
 * those from `start` on are still needed. It is made `band` rows at a time.
 */
export interface Held {
  readonly tensor: number;
  readonly how: 'recomputed' | 'kept' | 'passing';
  readonly hi: number;
  readonly band: number;
  readonly next: Held | undefined;
}

/** Operations `first … last - 1`, streamed together. */
export interface Segment extends Priced {
  readonly first: number;
  readonly last: number;
  /** Columns of a tile; 0: whole rows. */
  readonly columns: number;
  readonly held: Held | undefined;
  /** It is a bottleneck whose channels go in so many groups, one after the other. */
  readonly groups?: number;
}

export interface SegmentLimits {
  /** Tiles of one tensor, at most; wider tiles where there would be more. */
  readonly maxTiles: number;
  /** Rows that are made at a time, to choose from. */
  readonly bands: readonly number[];
  readonly maxOperations: number;
  /** Multiply-accumulates beyond those of the program. */
  readonly extraMacs: number;
  /** Points kept per state of the sweep. */
  readonly keep: number;
  /** Bytes to which regions are aligned. */
  readonly align: number;
  /** Bytes above which regions must move; `Infinity`: none. */
  readonly capacity: number;
  readonly mayRecompute: (tensor: number, reader: number) => boolean;
  /** How an input is counted; of others, `external`: it lies where it takes no bytes that count. */
  readonly access: (tensor: number) => 'resident' | 'streamed' | 'external' | undefined;
}

/** What the readers seen so far want of a tensor. */
interface Demand {
  readonly hi: number;
  readonly start: number;
  /** Rows that its readers take at a time. */
  readonly band: number;
  /** How often they do. */
  readonly bands: number;
  /** Bytes of the readers' own tiles. */
  readonly hand: number;
}

interface Partial extends Priced {
  /** The largest tiles that are in hand at one time. */
  readonly tile: number;
  readonly held: Held | undefined;
}

interface State {
  readonly wanted: ReadonlyMap<number, Demand>;
  points: readonly Partial[];
}

const NOTHING: Demand = { hi: 0, start: 0, band: 1, bands: 1, hand: 0 };

/**
 * All ways to stream the operations before `last` as one segment, for every start: a sweep from the last result back, operation by
 * operation. At a tensor whose bands overlap there is a choice: its rows stay (bytes: overlap × width) and it is made in bands of any
 * height, or its one reader's band computes them again (MACs: (band + overlap) ÷ band, and the overlap goes on to what it is computed
 * from). A state is what the operations seen so far want of the tensors not yet reached; of each state only the points that no other
 * beats are kept. Sources: overlap of fused layers (Alwani et al. 2016), line buffers (Ragan-Kelley et al. 2013).
 * O(operations × states × keep).
 */
export function segmentsTo(
  geometry: Geometry,
  last: number,
  columns: number,
  limits: SegmentLimits,
  visit: (segment: Segment) => void,
  least = 0,
): void {
  const sweep = new Sweep(geometry, last, columns, limits);
  for (let first = last - 1; first >= Math.max(least, last - limits.maxOperations); first--) {
    if (!sweep.take(first)) return;
    sweep.finish(first, visit);
    if (last - first === 2 || last - first === 3) sweep.group(first, visit);
  }
}

/** Columns of a tensor's tiles. */
export function tileWidth(grid: Grid, columns: number, maxTiles: number): number {
  if (columns === 0) return grid.columns;
  return Math.min(grid.columns, Math.max(columns, Math.ceil((grid.rows * grid.columns) / maxTiles)));
}

/**
 * Columns of the regions of a tensor whose rows stay: so many tiles that rounding each region up to `align` bytes wastes little, where a
 * few do.
 */
export function regionWidth(grid: Grid, tile: number, align: number): number {
  const waste = (width: number): number => {
    const bytes = width * grid.cellBytes;
    return (Math.ceil(bytes / align) * align) / bytes;
  };
  let best = tile;
  for (let count = 2; count <= MOST_TILES && count * tile <= grid.columns; count++)
    if (waste(count * tile) < waste(best) * WASTED) best = count * tile;
  return best;
}

/** Tiles that one region may take: more are freed late. */
const MOST_TILES = 4;
/** A wider region is worth it where it takes this share of the bytes at most. */
const WASTED = 0.95;

class Sweep {
  private states: State[] = [{ wanted: new Map(), points: [{ bytes: 0, macs: 0, tile: 0, held: undefined }] }];
  /** Tensors that an operation of the segment needs as a whole: they must be made before it. */
  private readonly whole = new Set<number>();
  /** Results of the segment that later ones read. */
  private readonly results: number[] = [];
  /** Rows of the last result. */
  private readonly reference: number;

  constructor(
    private readonly geometry: Geometry,
    private readonly last: number,
    private readonly columns: number,
    private readonly limits: SegmentLimits,
  ) {
    const { nodes, grids } = geometry;
    const node = nodes[last - 1];
    const sized = grids[node.writes[0]]?.rowAxis >= 0 ? node.writes[0] : node.reads.find(({ reduced }) => reduced)?.tensor;
    this.reference = sized === undefined ? 1 : grids[sized].rows;
  }

  /** Adds operation `o` in front; false where the segment cannot begin there or earlier. */
  take(o: number): boolean {
    const { nodes, writers } = this.geometry;
    const node = nodes[o];
    if (!node.streams && o !== this.last - 1) return false;
    if (node.writes.some((tensor) => this.whole.has(tensor))) return false;
    const [tensor] = node.writes;
    const next = new Map<string, State>();
    const stored = this.readLater(tensor);
    if (stored && !this.results.includes(tensor)) this.results.push(tensor);
    const ends = writers[tensor].at(-1) === o;
    const begins = writers[tensor][0] === o;
    for (const state of this.states) this.choose(next, state, o, { stored, ends, begins });
    this.states = fewest([...next.values()]);
    for (const read of node.reads) if (!read.rows && !read.reduced) this.whole.add(read.tensor);
    return this.states.length > 0;
  }

  /** Offers the best ways to begin the segment at `first`. */
  finish(first: number, visit: (segment: Segment) => void): void {
    const { grids, nodes, writers } = this.geometry;
    let constant = this.crossing(first);
    let made = 0;
    for (const tensor of this.results) if (writers[tensor][0] >= first && this.takesBytes(tensor)) made += grids[tensor].bytes;
    for (let o = first; o < this.last; o++) constant += nodes[o].sumBytes;
    for (const tensor of this.whole) if (!this.readLater(tensor) && this.takesBytes(tensor)) constant += grids[tensor].bytes;
    const found: Segment[] = [];
    for (const { wanted, points } of this.states) {
      let before = 0;
      let lag = 0;
      let streamed = 0;
      for (const [tensor, demand] of wanted) {
        if (this.whole.has(tensor) || this.readLater(tensor)) continue;
        const access = this.limits.access(tensor);
        if (access === 'external') continue;
        const line = this.lineBytes(grids[tensor]);
        if (access === 'streamed')
          streamed += overlapOf(demand, grids[tensor]) * line + this.windowBytes(tensor, demand.band) + demand.hand;
        else {
          before += grids[tensor].bytes;
          lag += Math.min(grids[tensor].rows, Math.ceil(demand.start < 0 ? demand.band - demand.start : demand.band - 1)) * line;
        }
      }
      // While a share f is made, a share 1 - f of what is read is left, and the rows by which reading lags behind.
      const share = before === 0 ? 0 : Math.max(0, lag / before);
      const both = Math.max(before + share * made, share * before + made);
      for (const { bytes, macs, tile, held } of points) {
        const total = constant + streamed + bytes + tile + both;
        found.push({ first, last: this.last, columns: this.columns, bytes: total, macs, held });
      }
    }
    for (const segment of paretoSet(found)) visit(segment);
  }

  /** Offers the segment in groups of channels, if it is a bottleneck: the map that it reads stays until the last group. */
  group(first: number, visit: (segment: Segment) => void): void {
    const { grids, nodes } = this.geometry;
    const bottleneck = bottleneckAt(this.geometry, first, this.last);
    if (!bottleneck) return;
    let read = 0;
    for (const { tensor } of nodes[first].reads) if (!this.readLater(tensor) && this.takesBytes(tensor)) read += grids[tensor].bytes;
    const { groups, during, after } = groupedBytes(this.geometry, bottleneck, this.columns, this.limits.align);
    if (groups < 2) return;
    const bytes = this.crossing(first) + Math.max(read + during, after);
    visit({ first, last: this.last, columns: this.columns, bytes, macs: 0, held: undefined, groups });
  }

  /** Every way to hold the result of operation `o`. */
  private choose(
    next: Map<string, State>,
    { wanted, points }: State,
    o: number,
    { stored, ends, begins }: { readonly stored: boolean; readonly ends: boolean; readonly begins: boolean },
  ): void {
    const node = this.geometry.nodes[o];
    const [tensor] = node.writes;
    const grid = this.geometry.grids[tensor];
    const demand = wanted.get(tensor) ?? NOTHING;
    const overlap = overlapOf(demand, grid);
    const make = (how: Held['how'], band: number, tall: number, ahead: number, bytes: number, macs: number): void => {
      const after = new Map(wanted);
      if (begins || how === 'recomputed') after.delete(tensor);
      const hand = this.tileBytes(grid, tall, how === 'passing' ? this.columnStep(tensor) : 1);
      const bands = how === 'kept' ? Math.max(1, Math.ceil((grid.rows - demand.hi) / band)) : demand.bands;
      this.want(after, node, { hi: demand.hi, start: ahead, band, bands, hand });
      const tile = how === 'passing' ? hand + demand.hand : demand.hand;
      const grown = points.map((point) => ({
        bytes: point.bytes + bytes,
        macs: point.macs + macs,
        tile: Math.max(point.tile, tile),
        held: { tensor, how, hi: demand.hi, band, next: point.held },
      }));
      this.add(next, after, macs > 0 ? grown.filter((point) => point.macs <= this.limits.extraMacs) : grown);
    };
    if (overlap === 0 && !stored) {
      make('passing', demand.band, demand.band, demand.hi, 0, 0);
      return;
    }
    const rate = Math.max(1, grid.rows / this.reference);
    const held = stored || !ends ? 0 : Math.min(overlap, grid.rows) * this.lineBytes(grid);
    for (const band of this.limits.bands) {
      if (band > 1 && band >= grid.rows) break;
      const waiting = stored ? 0 : Math.max(0, band - rate) * this.lineBytes(grid);
      make('kept', band, band, demand.hi, held + waiting + (stored ? 0 : this.windowBytes(tensor, Math.max(band, demand.band))), 0);
      if (!node.streams || !ends || !begins) break;
    }
    if (stored || !this.recomputable(tensor, o)) return;
    const extra = node.macs * (rowsComputed(grid, demand) / grid.rows - 1);
    if (extra > this.limits.extraMacs) return;
    make('recomputed', demand.band, demand.band + overlap, demand.start, this.windowBytes(tensor, demand.band + overlap), extra);
  }

  /** Adds what an operation wants of what it reads; `start` is where its own result will be computed next. */
  private want(after: Map<number, Demand>, node: Node, { hi, start, band, bands, hand }: Demand): void {
    for (const { tensor, rows, reduced } of node.reads) {
      if (!rows && !reduced) continue;
      const need = rows
        ? {
            hi: hi * rows.stride + rows.size - rows.stride - rows.pad,
            start: start * rows.stride - rows.pad,
            band: Math.max(1, Math.round(band * rows.stride)),
            bands,
            hand,
          }
        : { ...NOTHING, bands: this.geometry.grids[tensor].rows, hand };
      const other = after.get(tensor);
      after.set(
        tensor,
        other
          ? {
              hi: Math.max(other.hi, need.hi),
              start: Math.min(other.start, need.start),
              band: Math.max(other.band, need.band),
              bands: Math.max(other.bands, need.bands),
              hand: Math.max(other.hand, need.hand),
            }
          : need,
      );
    }
  }

  private add(next: Map<string, State>, wanted: ReadonlyMap<number, Demand>, points: readonly Partial[]): void {
    if (points.length === 0) return;
    const key = [...wanted].map(([tensor, { hi, start, band }]) => `${tensor}:${hi}:${start}:${band}`).join();
    const same = next.get(key);
    if (same) same.points = thinned([...same.points, ...points], this.limits.keep);
    else next.set(key, { wanted, points });
  }

  /** Read after the segment, or an output. */
  private readLater(tensor: number): boolean {
    return (this.geometry.readers[tensor].at(-1) ?? -1) >= this.last || this.geometry.program.outputs.includes(tensor);
  }

  private takesBytes(tensor: number): boolean {
    return this.limits.access(tensor) !== 'external';
  }

  private recomputable(tensor: number, producer: number): boolean {
    const { readers, writers, nodes } = this.geometry;
    const [reader, second] = readers[tensor];
    return (
      second === undefined &&
      writers[tensor].length === 1 &&
      nodes[producer].streams &&
      nodes[reader].streams &&
      this.limits.mayRecompute(tensor, reader)
    );
  }

  private width(grid: Grid): number {
    return tileWidth(grid, this.columns, this.limits.maxTiles);
  }

  /** A row that stays, region by region. */
  private lineBytes(grid: Grid): number {
    const width = this.regionWidth(grid);
    const end = grid.columns % width;
    return this.aligned(width * grid.cellBytes) * Math.floor(grid.columns / width) + this.aligned(end * grid.cellBytes);
  }

  private regionWidth(grid: Grid): number {
    return regionWidth(grid, this.width(grid), this.limits.align);
  }

  private aligned(bytes: number): number {
    return Math.ceil(bytes / this.limits.align) * this.limits.align;
  }

  /** `tall` rows of `count` tiles, each aligned. */
  private tileBytes(grid: Grid, tall: number, count: number): number {
    const width = this.width(grid);
    const tiles = Math.min(Math.ceil(grid.columns / width), count);
    return Math.ceil((width * Math.min(tall, grid.rows) * grid.cellBytes) / this.limits.align) * this.limits.align * tiles;
  }

  /** Tiles of a tensor that one tile of its reader takes anew. */
  private columnStep(tensor: number): number {
    let step = 1;
    for (const window of this.columnWindows(tensor)) step = Math.max(step, window.stride);
    return Math.ceil(step);
  }

  /** The columns of the widest reader's window, that many rows tall: those of one tile and the halo that the next shares. */
  private windowBytes(tensor: number, tall: number): number {
    const grid = this.geometry.grids[tensor];
    const width = this.width(grid);
    let most = 1;
    for (const { size, stride } of this.columnWindows(tensor)) most = Math.max(most, Math.ceil((width * stride + size - stride) / width));
    return this.tileBytes(grid, tall, most);
  }

  private columnWindows(tensor: number): Window[] {
    const { readers, nodes } = this.geometry;
    return readers[tensor].flatMap((reader) => {
      const window = reader < this.last ? nodes[reader].reads.find((read) => read.tensor === tensor)?.columns : undefined;
      return window ? [window] : [];
    });
  }

  /** Tensors that live through the whole segment: made before, read after. */
  private crossing(first: number): number {
    const { grids, writers, readers, program } = this.geometry;
    let bytes = 0;
    for (let tensor = 0; tensor < grids.length; tensor++) {
      const { kind } = program.tensors[tensor];
      if (kind === 'constant' || !this.readLater(tensor) || !this.takesBytes(tensor)) continue;
      if (kind === 'input') {
        if (this.limits.access(tensor) === 'streamed' && (readers[tensor][0] ?? this.last) >= this.last) continue;
      } else if ((writers[tensor][0] ?? first) >= first) continue;
      bytes += grids[tensor].bytes;
    }
    return bytes;
  }
}

/** Whole rows that two bands both need. */
function overlapOf({ hi, start }: Demand, grid: Grid): number {
  return Math.min(grid.rows, Math.max(0, Math.ceil(hi - start - 1e-9)));
}

/** Rows computed over all bands, the overlaps again and again; clipped at the edges. */
function rowsComputed(grid: Grid, { hi, start, band, bands }: Demand): number {
  let sum = 0;
  for (let k = 0; k < bands; k++) {
    const top = k === 0 ? 0 : Math.max(0, k * band + start);
    sum += Math.max(0, Math.min(grid.rows, (k + 1) * band + hi) - top);
  }
  return sum;
}

/** Branches that are open at once multiply the states; of many, those that hold the least stay. */
const MOST_STATES = 200;

function fewest(states: readonly State[]): State[] {
  if (states.length <= MOST_STATES) return [...states];
  const least = new Map(
    states.map((state) => [state, state.points.reduce((min, { bytes, tile }) => Math.min(min, bytes + tile), Infinity)]),
  );
  return states.toSorted((a, b) => (least.get(a) ?? 0) - (least.get(b) ?? 0)).slice(0, MOST_STATES);
}

/** Tiles count as bytes here: of two points the sum decides, as the rest of the segment adds to both alike. */
function thinned(points: readonly Partial[], keep: number): Partial[] {
  const best = paretoSet(points.map((point) => ({ point, bytes: point.bytes + point.tile, macs: point.macs })));
  const step = Math.ceil(best.length / keep);
  return best.filter((_, k) => k % step === 0 || k === best.length - 1).map(({ point }) => point);
}
