import type { Geometry, Grid, Window } from './geometry.js';

/** Columns of a tensor's tiles; `columns` 0: whole rows. */
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

/** Bytes of the tiles of tensors in a segment that ends before operation `last`. */
export class TileBytes {
  private readonly windows: (readonly Window[])[] = [];

  constructor(
    private readonly geometry: Geometry,
    private readonly last: number,
    private readonly columns: number,
    private readonly limits: { readonly maxTiles: number; readonly align: number },
  ) {}

  /** A row that stays, region by region. */
  lineBytes(grid: Grid): number {
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
    return tileWidth(grid, this.columns, this.limits.maxTiles);
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
