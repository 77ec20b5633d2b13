import { bottleneckAt, groupedBytes } from './channel-groups.js';
import { crossingBytes, readLater } from './crossing.js';
import { type Geometry, type Grid, type Node, sumsInParts } from './geometry.js';
import { type Priced, paretoSet } from './pareto-set.js';
import type { Patches } from './patches.js';
import { type Bytes, linesHeld, linesLeft, linesMade, MOMENTS, momentsOf, mostOf, rowsInHand, sumOf } from './progress.js';
import { TileBytes } from './tile-bytes.js';
import { type UnitGroups, type Units, unitGroupsTo } from './unit-groups.js';

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
  /** It is a bottleneck that is made patch by patch. */
  readonly patches?: Patches;
  /** It goes in groups of its last operation's results, not by rows. */
  readonly units?: Units;
  /** Its last rows are made column by column. */
  readonly end?: TallEnd;
}

/** The last rows of a segment, made column by column. */
export interface TallEnd {
  /** Columns of a tile of the narrowest map; of others in proportion. */
  readonly columns: number;
  /** Rows of the narrowest map that a task makes at a time. */
  readonly rows: number;
  /** Per tensor of the segment, the row from which its tiles reach to the bottom. */
  readonly from: ReadonlyMap<number, number>;
}

export interface SegmentLimits {
  /** Tiles of one tensor, at most; wider tiles where there would be more. */
  readonly maxTiles: number;
  /** Rows that are made at a time, to choose from. */
  readonly bands: readonly number[];
  readonly maxOperations: number;
  /** Multiply-accumulates beyond those of the program. */
  readonly extraMacs: number;
  /** Bytes of a segment with so many extra multiply-accumulates, at most. */
  readonly most: (macs: number) => number;
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
  /** Bytes at each moment of the segment's progress, without the tiles in hand; `bytes` is the most of them. */
  readonly live: Bytes;
  /** The largest tiles that are in hand at one time. */
  readonly tile: number;
  readonly held: Held | undefined;
}

interface State {
  readonly wanted: ReadonlyMap<number, Demand>;
  points: readonly Partial[];
}

/** How a result is made. */
interface Making {
  /** Rows at a time, those that a task makes, and where the next begin. */
  readonly band: number;
  readonly tall: number;
  readonly ahead: number;
  readonly macs?: number;
  /** Bytes of rows that are made early. */
  readonly waiting?: number;
  /** Bytes of what a band of so many rows has in hand. */
  readonly window?: (rows: number) => number;
}

/** Bytes of one result at each moment, and the most of them. */
interface Own {
  readonly bytes: Bytes;
  readonly most: number;
}

const NONE: Bytes = Array.from({ length: MOMENTS }, () => 0);
const NO_BYTES: Own = { bytes: NONE, most: 0 };
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
  for (const groups of unitGroupsTo(geometry, last, limits.align)) if (groups.first >= least) sweep.inUnits(groups, visit);
  for (let first = last - 1; first >= Math.max(least, last - limits.maxOperations); first--) {
    if (!sweep.take(first)) return;
    sweep.finish(first, visit);
    if (last - first === 2 || last - first === 3) sweep.group(first, visit);
  }
}

class Sweep {
  private readonly tiles: TileBytes;
  private states: State[] = [{ wanted: new Map(), points: [{ bytes: 0, live: NONE, macs: 0, tile: 0, held: undefined }] }];
  /** Tensors that an operation of the segment needs as a whole: they must be made before it. */
  private readonly whole = new Set<number>();
  /** What the result of the operation in hand takes, by what is wanted of it and how it is made. */
  private readonly owns = new Map<string, Own>();
  /** Rows of the last result. */
  private readonly reference: number;
  /** Progress at which bytes are counted. */
  private readonly moments: readonly number[];

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
    this.moments = momentsOf(this.reference);
    this.tiles = new TileBytes(geometry, last, columns, limits);
  }

  /** Adds operation `o` in front; false where the segment cannot begin there or earlier. */
  take(o: number): boolean {
    const { nodes, writers } = this.geometry;
    const node = nodes[o];
    if (!node.streams && o !== this.last - 1) return false;
    if (node.writes.some((tensor) => this.whole.has(tensor))) return false;
    const [tensor] = node.writes;
    const next = new Map<string, State>();
    this.owns.clear();
    const stored = this.readLater(tensor);
    const ends = writers[tensor].at(-1) === o;
    const begins = writers[tensor][0] === o;
    for (const state of this.states) this.choose(next, state, o, { stored, ends, begins });
    this.states = fewest([...next.values()]);
    for (const read of node.reads) if (!read.rows && !read.reduced) this.whole.add(read.tensor);
    return this.states.length > 0;
  }

  /** Offers the best ways to begin the segment at `first`. */
  finish(first: number, visit: (segment: Segment) => void): void {
    const { grids, nodes } = this.geometry;
    let constant = crossingBytes(this.geometry, { first, last: this.last }, this.limits.access);
    for (let o = first; o < this.last; o++) {
      const { sumBytes, reads } = nodes[o];
      if (reads.some((read) => sumsInParts(this.geometry, first, read))) constant += sumBytes;
    }
    for (const tensor of this.whole) if (!this.readLater(tensor) && this.takesBytes(tensor)) constant += grids[tensor].bytes;
    const found: Segment[] = [];
    for (const { wanted, points } of this.states) {
      const read = [...NONE];
      for (const [tensor, demand] of wanted) {
        if (this.whole.has(tensor) || this.readLater(tensor)) continue;
        const access = this.limits.access(tensor);
        if (access === 'external') continue;
        const grid = grids[tensor];
        const line = this.tiles.lineBytes(grid);
        // Whole rows come in one by one, and wait until there are as many as a band takes.
        const inHand = access === 'streamed' ? (demand.band - 1) * line + this.tiles.windowBytes(tensor, demand.band) + demand.hand : 0;
        const linesAt = access === 'streamed' ? linesHeld : linesLeft;
        for (let k = 0; k < MOMENTS; k++) read[k] += inHand + line * linesAt(grid.rows, demand, this.moments[k]);
      }
      const mostRead = Math.max(...read);
      for (const { live, macs, tile, held, bytes } of points) {
        const most = this.limits.most(macs);
        // It takes no less than at either's worst moment.
        if (constant + tile + Math.max(bytes, mostRead) > most) continue;
        const total = constant + tile + mostOf(live, read);
        if (total <= most) found.push({ first, last: this.last, columns: this.columns, bytes: total, macs, held });
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
    const bytes = crossingBytes(this.geometry, { first, last: this.last }, this.limits.access) + Math.max(read + during, after);
    visit({ first, last: this.last, columns: this.columns, bytes, macs: 0, held: undefined, groups });
  }

  /** Offers the segment in groups of units: what it reads stays until the last group. */
  inUnits({ first, units, bytes: own }: UnitGroups, visit: (segment: Segment) => void): void {
    const { grids, nodes, writers } = this.geometry;
    const read = new Set<number>();
    for (let o = first; o < this.last; o++)
      for (const { tensor } of nodes[o].reads)
        if ((writers[tensor][0] ?? -1) < first && !this.readLater(tensor) && this.takesBytes(tensor)) read.add(tensor);
    const bytes =
      crossingBytes(this.geometry, { first, last: this.last }, this.limits.access) +
      own +
      [...read].reduce((sum, tensor) => sum + grids[tensor].bytes, 0);
    if (bytes <= this.limits.most(0)) visit({ first, last: this.last, columns: this.columns, bytes, macs: 0, held: undefined, units });
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
    const made = stored && begins && this.takesBytes(tensor);
    // States that want the same of this tensor differ elsewhere: what it takes itself is found once.
    const wants = `${demand.hi}:${demand.start}:${demand.band}`;
    const ownOf = (how: Held['how'], band: number, waiting: number, window: Making['window']): Own => {
      const key = `${how}:${band}:${wants}`;
      let known = this.owns.get(key);
      if (!known) {
        const lines = how === 'kept' && !stored && ends ? this.tiles.lineBytes(grid) : 0;
        known = this.own(grid, demand, how === 'recomputed' ? 'again' : 'once', { made, lines, waiting, window });
        this.owns.set(key, known);
      }
      return known;
    };
    const make = (how: Held['how'], { band, tall, ahead, macs = 0, waiting = 0, window }: Making): void => {
      const after = new Map(wanted);
      if (begins || how === 'recomputed') after.delete(tensor);
      const hand = this.tiles.tileBytes(grid, tall, how === 'passing' ? this.tiles.columnStep(tensor) : 1);
      const bands = how === 'kept' ? Math.max(1, Math.ceil((grid.rows - demand.hi) / band)) : demand.bands;
      this.want(after, node, { hi: demand.hi, start: ahead, band, bands, hand });
      const tile = how === 'passing' ? hand + demand.hand : demand.hand;
      const { bytes: own, most: mostOwn } = window || made ? ownOf(how, band, waiting, window) : NO_BYTES;
      const grown: Partial[] = [];
      for (const point of points) {
        if (point.macs + macs > this.limits.extraMacs) continue;
        const most = this.limits.most(point.macs + macs);
        const largest = Math.max(point.tile, tile);
        // It takes no less than at either's worst moment.
        if (Math.max(point.bytes, mostOwn) + largest > most) continue;
        const bytes = mostOwn === 0 ? point.bytes : mostOf(point.live, own);
        if (bytes + largest > most) continue;
        grown.push({
          bytes,
          live: mostOwn === 0 ? point.live : sumOf(point.live, own),
          macs: point.macs + macs,
          tile: largest,
          held: { tensor, how, hi: demand.hi, band, next: point.held },
        });
      }
      this.add(next, after, grown);
    };
    if (overlap === 0 && !stored) {
      make('passing', { band: demand.band, tall: demand.band, ahead: demand.hi });
      return;
    }
    for (const band of this.limits.bands) {
      if (band > 1 && band >= grid.rows) break;
      // Rows made at a time wait for those who take fewer, and fewer rows until there are as many as those take.
      const waiting = stored ? 0 : Math.abs(Math.min(demand.band, grid.rows) - band) * this.tiles.lineBytes(grid);
      const bytes = stored ? 0 : this.tiles.windowBytes(tensor, Math.max(band, demand.band));
      make('kept', { band, tall: band, ahead: demand.hi, waiting, window: () => bytes });
      if (!node.streams || !ends || !begins) break;
    }
    if (stored || !this.recomputable(tensor, o)) return;
    const macs = node.macs * (rowsComputed(grid, demand) / grid.rows - 1);
    if (macs > this.limits.extraMacs) return;
    const again = { band: demand.band, tall: demand.band + overlap, ahead: demand.start, macs };
    const row = this.tiles.windowBytes(tensor, 1);
    make('recomputed', { ...again, window: (rows) => rows * row });
  }

  /** Bytes at each moment of a result itself: `made` all that is there, `lines` for each row that waits, and what is in hand. */
  private own(
    grid: Grid,
    demand: Demand,
    rows: 'again' | 'once',
    { made, lines, waiting, window }: { readonly made: boolean; readonly lines: number; readonly waiting: number } & Pick<Making, 'window'>,
  ): Own {
    const bytes = [...NONE];
    for (let k = 0; k < MOMENTS; k++) {
      const done = this.moments[k];
      if (made) bytes[k] += (grid.bytes / grid.rows) * linesMade(grid.rows, demand, done);
      if (lines > 0) bytes[k] += linesHeld(grid.rows, demand, done) * lines;
      const inHand = window ? rowsInHand(grid.rows, demand, rows, this.reference, done) : 0;
      if (inHand > 0 && window) bytes[k] += waiting + window(inHand);
    }
    return { bytes, most: Math.max(...bytes) };
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
    let key = '';
    for (const [tensor, { hi, start, band }] of wanted) key += `${tensor}:${hi}:${start}:${band},`;
    const same = next.get(key);
    if (same) same.points = thinned([...same.points, ...points], this.limits.keep);
    else next.set(key, { wanted, points });
  }

  /** Read after the segment, or an output. */
  private readLater(tensor: number): boolean {
    return readLater(this.geometry, tensor, this.last);
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
