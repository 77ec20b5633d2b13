/** Bytes that the stored sets of one search may take. */
const ROOM = 1 << 28;

/**
 * The sets of tasks that a search has met: a bit per task, found again by hash. Typed arrays that double; sets are numbered in the order
 * in which they came.
 */
export class States {
  private readonly words: number;
  private bits: Int32Array;
  private table = new Int32Array(1 << 12).fill(-1);
  private hashes: Int32Array;
  /** Per set: the least peak with which it is known to be reached, the bytes live then, and how many tasks it holds. */
  key: Float64Array;
  live: Float64Array;
  size: Int32Array;
  parent: Int32Array;
  /** 1: a better way to the same set is known, or its successors have been looked at. */
  closed: Uint8Array;
  /** The tasks that lead from the parent to it. */
  readonly trail: (readonly number[])[] = [];
  count = 0;
  private readonly zobrist: Int32Array;

  constructor(tasks: number) {
    this.words = (tasks + 31) >> 5;
    const room = 1 << 10;
    this.bits = new Int32Array(room * this.words);
    this.hashes = new Int32Array(room);
    this.key = new Float64Array(room);
    this.live = new Float64Array(room);
    this.size = new Int32Array(room);
    this.parent = new Int32Array(room);
    this.closed = new Uint8Array(room);
    this.zobrist = zobristOf(tasks);
  }

  /** No more of them can be held. */
  get full(): boolean {
    return this.count * this.words * 4 >= ROOM;
  }

  /**
   * Adds the set of `from` with the tasks of `trail` (a whole set where `from` is -1); -1 if that set is known with no greater key.
   */
  add(from: number, trail: readonly number[], key: number, live: number): number {
    if (this.count === this.hashes.length) this.grow();
    const id = this.count;
    const { words, bits } = this;
    const at = id * words;
    if (from < 0) bits.fill(0, at, at + words);
    else bits.copyWithin(at, from * words, (from + 1) * words);
    let hash = from < 0 ? 0 : this.hashes[from];
    for (const task of trail) {
      bits[at + (task >> 5)] |= 1 << (task & 31);
      hash ^= this.zobrist[task];
    }
    const slot = this.slotOf(hash, at);
    const known = this.table[slot];
    if (known >= 0) {
      if (this.key[known] <= key) return -1;
      this.closed[known] = 1;
    }
    this.table[slot] = id;
    this.hashes[id] = hash;
    this.key[id] = key;
    this.live[id] = live;
    this.size[id] = (from < 0 ? 0 : this.size[from]) + trail.length;
    this.parent[id] = from;
    this.closed[id] = 0;
    this.trail.push(trail.slice());
    this.count++;
    if (this.count * 2 > this.table.length) this.rehash();
    return id;
  }

  has(id: number, task: number): boolean {
    return ((this.bits[id * this.words + (task >> 5)] >>> (task & 31)) & 1) === 1;
  }

  /** The tasks that lead to a set, from the start. */
  orderTo(id: number): number[] {
    const chain: (readonly number[])[] = [];
    for (let k = id; k >= 0; k = this.parent[k]) chain.push(this.trail[k]);
    return chain.reverse().flat();
  }

  private slotOf(hash: number, at: number): number {
    const mask = this.table.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const id = this.table[slot];
      if (id < 0 || (this.hashes[id] === hash && this.same(id * this.words, at))) return slot;
    }
  }

  private same(a: number, b: number): boolean {
    for (let w = 0; w < this.words; w++) if (this.bits[a + w] !== this.bits[b + w]) return false;
    return true;
  }

  private rehash(): void {
    const old = this.table;
    this.table = new Int32Array(old.length * 2).fill(-1);
    const mask = this.table.length - 1;
    for (const id of old) {
      if (id < 0) continue;
      let slot = this.hashes[id] & mask;
      while (this.table[slot] >= 0) slot = (slot + 1) & mask;
      this.table[slot] = id;
    }
  }

  private grow(): void {
    const room = this.hashes.length * 2;
    const longer = <A extends Int32Array | Float64Array | Uint8Array>(made: A, from: A): A => {
      made.set(from);
      return made;
    };
    this.bits = longer(new Int32Array(room * this.words), this.bits);
    this.hashes = longer(new Int32Array(room), this.hashes);
    this.key = longer(new Float64Array(room), this.key);
    this.live = longer(new Float64Array(room), this.live);
    this.size = longer(new Int32Array(room), this.size);
    this.parent = longer(new Int32Array(room), this.parent);
    this.closed = longer(new Uint8Array(room), this.closed);
  }
}

/** A random word per task; the hash of a set is the exclusive or of its tasks' words (Zobrist 1970). */
export function zobristOf(tasks: number): Int32Array {
  const words = new Int32Array(tasks);
  for (let t = 0; t < tasks; t++) {
    // The finaliser of MurmurHash3 (Appleby 2011, public domain) over the task's number.
    let h = Math.imul(t + 1, 0x9e3779b1);
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    words[t] = h ^ (h >>> 16);
  }
  return words;
}
