/** A fully associative store of `capacity` keys (0 … keys - 1) that forgets the least recently used; every operation is O(1). */
export class Lru {
  private readonly previous: Int32Array;
  private readonly next: Int32Array;
  private readonly held: Uint8Array;
  private newest = -1;
  private oldest = -1;
  size = 0;

  constructor(
    keys: number,
    private readonly capacity: number,
  ) {
    this.previous = new Int32Array(keys).fill(-1);
    this.next = new Int32Array(keys).fill(-1);
    this.held = new Uint8Array(keys);
  }

  /** Makes `key` the newest; true if it was there already. */
  touch(key: number): boolean {
    if (this.newest === key) return true;
    const hit = this.held[key] === 1;
    if (hit) {
      this.unlink(key);
    } else {
      if (this.size === this.capacity) {
        const victim = this.oldest;
        this.unlink(victim);
        this.held[victim] = 0;
        this.size--;
      }
      this.held[key] = 1;
      this.size++;
    }
    this.next[key] = this.newest;
    this.previous[key] = -1;
    if (this.newest >= 0) this.previous[this.newest] = key;
    else this.oldest = key;
    this.newest = key;
    return hit;
  }

  private unlink(key: number): void {
    const before = this.previous[key];
    const after = this.next[key];
    if (before >= 0) this.next[before] = after;
    else this.newest = after;
    if (after >= 0) this.previous[after] = before;
    else this.oldest = before;
  }
}
