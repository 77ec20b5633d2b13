import type { Geometry, Grid, Window } from './geometry.js';

/**
 * Columns of a tensor's tiles; `columns` 0: whole rows. Where there would be too many, a width that divides the row and wastes nothing in
 * rounding up to `align` bytes, if one is not much wider.
 */
export function tileWidth(grid: Grid, columns: number, maxTiles: number, align: number): number {
  if (columns === 0) return grid.columns;
  const least = Math.ceil((grid.rows * grid.columns) / maxTiles);
  if (least <= columns) return Math.min(grid.columns, columns);
  for (let width = least; width < Math.min(grid.columns, least * MUCH); width++)
    if (grid.columns % width === 0 && (width * grid.cellBytes) % align === 0) return width;
  return Math.min(grid.columns, least);
}

/** Tiles that are this much wider than they must be are too wide. */
const MUCH = 1.5;

/**
 * Columns of the regions of a tensor whose rows stay: so many tiles that rounding each region up to `align` bytes wastes little, where a
 * few do, which must waste `worth` of the bytes at most.
 */
export function regionWidth(grid: Grid, tile: number, align: number, worth = WASTED): number {
  const waste = (width: number): number => {
    const bytes = width * grid.cellBytes;
    return (Math.ceil(bytes / align) * align) / bytes;
  };
  let best = tile;
  for (let count = 2; count <= MOST_TILES && count * tile <= grid.columns; count++)
    if (waste(count * tile) < waste(best) * worth) best = count * tile;
  return best;
}

/** Tiles that one region may take: more are freed late. */
const MOST_TILES = 4;
/** A wider region is worth it where it takes this share of the bytes at most. */
const WASTED = 0.95;

/** Bytes of the tiles of tensors in a segment that ends before operation `last`. */
export class TileBytes {
  private readonly windows: (readonly Window[])[] = [];
  private readonly lines = new Map<Grid, number>();

  constructor(
    private readonly geometry: Geometry,
    private readonly last: number,
    private readonly columns: number,
    private readonly limits: { readonly maxTiles: number; readonly align: number },
  ) {}

  /** A row that stays, region by region. */
  lineBytes(grid: Grid): number {
    let bytes = this.lines.get(grid);
    if (bytes === undefined) {
      bytes = this.countLine(grid);
      this.lines.set(grid, bytes);
    }
    return bytes;
  }

  private countLine(grid: Grid): number {
    const width = regionWidth(grid, this.width(grid), this.limits.align);
    const end = grid.columns % width;
    return this.aligned(width * grid.cellBytes) * Math.floor(grid.columns / width) + this.aligned(end * grid.cellBytes);
  }

  /** `tall` rows of `count` tiles, each aligned. */
  tileBytes(grid: Grid, tall: number, count: number): number {
    const width = this.width(grid);
    const tiles = Math.min(Math.ceil(grid.columns / width), count);
    return this.aligned(width * Math.min(tall, grid.rows) * grid.cellBytes) * tiles;
  }

  /** Tiles of a tensor that one tile of its reader takes anew. */
  columnStep(tensor: number): number {
    let step = 1;
    for (const window of this.columnWindows(tensor)) step = Math.max(step, window.stride);
    return Math.ceil(step);
  }

  /** The columns of the widest reader's window, that many rows tall: those of one tile and the halo that the next shares. */
  windowBytes(tensor: number, tall: number): number {
    const grid = this.geometry.grids[tensor];
    const width = this.width(grid);
    let most = 1;
    for (const { size, stride } of this.columnWindows(tensor)) most = Math.max(most, Math.ceil((width * stride + size - stride) / width));
    return this.tileBytes(grid, tall, most);
  }

  private aligned(bytes: number): number {
    return Math.ceil(bytes / this.limits.align) * this.limits.align;
  }

  private width(grid: Grid): number {
    return tileWidth(grid, this.columns, this.limits.maxTiles, this.limits.align);
  }

  /** Of the readers in the segment. */
  private columnWindows(tensor: number): readonly Window[] {
    const { readers, nodes } = this.geometry;
    this.windows[tensor] ??= readers[tensor].flatMap((reader) => {
      const window = reader < this.last ? nodes[reader].reads.find((read) => read.tensor === tensor)?.columns : undefined;
      return window ? [window] : [];
    });
    return this.windows[tensor];
  }
}
