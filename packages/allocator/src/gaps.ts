/** Gaps of one power of two of bytes are kept in so many lists. */
const PER_DOUBLING = 8;
/** Of a list, so many gaps are looked at. */
const LOOKS = 16;
const NONE = -1;

/**
 * Blocks in the order of their offsets, taken or free, and the free ones by size: a gap that fits tightly, and one freed that is united
 * with its neighbours, in O(1) (as in Masmano et al., TLSF: A New Dynamic Memory Allocator for Real-Time Systems, ECRTS 2004).
 */
export class Gaps {
  private readonly start: number[] = [0];
  private readonly bytes: number[] = [Number.POSITIVE_INFINITY];
  private readonly free: boolean[] = [true];
  private readonly before: number[] = [NONE];
  private readonly behind: number[] = [NONE];
  /** Neighbours in the list of gaps of alike sizes. */
  private readonly previous: number[] = [NONE];
  private readonly next: number[] = [NONE];
  private readonly heads: number[] = [];
  private readonly unused: number[] = [];
  /** The free block without end. */
  private top = 0;

  offsetOf(block: number): number {
    return this.start[block];
  }

  /** Takes the bytes at a multiple of `align`; the block that holds them. */
  take(bytes: number, align: number): number {
    const gap = this.find(bytes, align);
    const offset = up(this.start[gap], align);
    if (gap !== this.top) this.unlist(gap);
    const ahead = offset - this.start[gap];
    if (ahead > 0) this.list(this.insert(gap, this.start[gap], ahead));
    const rest = this.start[gap] + this.bytes[gap] - offset - bytes;
    if (rest === 0) {
      this.start[gap] = offset;
      this.bytes[gap] = bytes;
      this.free[gap] = false;
      return gap;
    }
    const taken = this.insert(gap, offset, bytes);
    this.free[taken] = false;
    this.start[gap] = offset + bytes;
    this.bytes[gap] = rest;
    if (gap !== this.top) this.list(gap);
    return taken;
  }

  release(block: number): void {
    let { [block]: start } = this.start;
    let { [block]: bytes } = this.bytes;
    const before = this.before[block];
    if (before !== NONE && this.free[before]) {
      this.unlist(before);
      start = this.start[before];
      bytes += this.bytes[before];
      this.remove(before);
    }
    const behind = this.behind[block];
    if (this.free[behind]) {
      // The one without end stays what it is.
      if (behind !== this.top) this.unlist(behind);
      this.remove(block);
      this.start[behind] = start;
      this.bytes[behind] += bytes;
      if (behind !== this.top) this.list(behind);
      return;
    }
    this.start[block] = start;
    this.bytes[block] = bytes;
    this.free[block] = true;
    this.list(block);
  }

  /** A tight gap of the lists in which one may fit, or the one without end. */
  private find(bytes: number, align: number): number {
    for (let k = classOf(bytes); k < this.heads.length; k++) {
      let best = NONE;
      let gap = this.heads[k] ?? NONE;
      for (let looks = 0; gap !== NONE && looks < LOOKS; gap = this.next[gap], looks++) {
        const fits = up(this.start[gap], align) + bytes <= this.start[gap] + this.bytes[gap];
        if (fits && (best === NONE || this.bytes[gap] < this.bytes[best])) best = gap;
      }
      if (best !== NONE) return best;
    }
    return this.top;
  }

  /** A free block right before the other. */
  private insert(behind: number, start: number, bytes: number): number {
    const block = this.unused.pop() ?? this.start.length;
    const before = this.before[behind];
    this.start[block] = start;
    this.bytes[block] = bytes;
    this.free[block] = true;
    this.before[block] = before;
    this.behind[block] = behind;
    this.previous[block] = NONE;
    this.next[block] = NONE;
    if (before !== NONE) this.behind[before] = block;
    this.before[behind] = block;
    return block;
  }

  private remove(block: number): void {
    const [before, behind] = [this.before[block], this.behind[block]];
    if (before !== NONE) this.behind[before] = behind;
    this.before[behind] = before;
    this.unused.push(block);
  }

  private list(gap: number): void {
    const k = classOf(this.bytes[gap]);
    while (this.heads.length <= k) this.heads.push(NONE);
    const head = this.heads[k];
    this.previous[gap] = NONE;
    this.next[gap] = head;
    if (head !== NONE) this.previous[head] = gap;
    this.heads[k] = gap;
  }

  private unlist(gap: number): void {
    const [previous, next] = [this.previous[gap], this.next[gap]];
    if (previous === NONE) this.heads[classOf(this.bytes[gap])] = next;
    else this.next[previous] = next;
    if (next !== NONE) this.previous[next] = previous;
  }
}

function classOf(bytes: number): number {
  return Math.floor(Math.log2(bytes) * PER_DOUBLING);
}

function up(offset: number, align: number): number {
  return Math.ceil(offset / align) * align;
}
