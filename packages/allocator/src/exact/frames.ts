/** The nodes on the way from the root of a search to where it is, by depth, in tables. */
export class Frames {
  /** Entries of the trail before the node's own. */
  readonly trail: Int32Array;
  /** Candidates that are still to be tried: `next … end - 1`. */
  readonly next: Int32Array;
  readonly end: Int32Array;
  /** Items of the node's part, sorted: `list … listEnd - 1`; what lies behind `listTop` is free. */
  readonly list: Int32Array;
  readonly listEnd: Int32Array;
  readonly listTop: Int32Array;
  /** Where to go back to if nothing fits: the frame before, or the one that split off this one's part. */
  readonly back: Int32Array;
  /** Parts that are to be solved after this one's, and how many parts there are. */
  readonly parts: Int32Array;
  readonly partTop: Int32Array;
  /** Sections of the part, first and last. */
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly hash: Int32Array;

  constructor(frames: number) {
    this.trail = new Int32Array(frames);
    this.next = new Int32Array(frames);
    this.end = new Int32Array(frames);
    this.list = new Int32Array(frames);
    this.listEnd = new Int32Array(frames);
    this.listTop = new Int32Array(frames);
    this.back = new Int32Array(frames);
    this.parts = new Int32Array(frames);
    this.partTop = new Int32Array(frames);
    this.from = new Int32Array(frames);
    this.to = new Int32Array(frames);
    this.hash = new Int32Array(3 * frames);
  }
}

/** Parts of a problem that do not meet and are still to be solved, a linked list for each frame. */
export class Parts {
  top = 0;
  readonly list: Int32Array;
  readonly listEnd: Int32Array;
  readonly back: Int32Array;
  readonly next: Int32Array;
  /** No item begins below this offset, nor there before the item `after`. */
  readonly lowest: Float64Array;
  readonly after: Int32Array;
  readonly hash: Int32Array;

  constructor(parts: number) {
    this.list = new Int32Array(parts);
    this.listEnd = new Int32Array(parts);
    this.back = new Int32Array(parts);
    this.next = new Int32Array(parts);
    this.lowest = new Float64Array(parts);
    this.after = new Int32Array(parts);
    this.hash = new Int32Array(3 * parts);
  }

  add(list: number, listEnd: number, back: number, next: number, lowest: number, after: number, hash: Int32Array): number {
    const part = this.top++;
    this.list[part] = list;
    this.listEnd[part] = listEnd;
    this.back[part] = back;
    this.next[part] = next;
    this.lowest[part] = lowest;
    this.after[part] = after;
    this.hash[3 * part] = hash[0];
    this.hash[3 * part + 1] = hash[1];
    this.hash[3 * part + 2] = hash[2];
    return part;
  }
}
