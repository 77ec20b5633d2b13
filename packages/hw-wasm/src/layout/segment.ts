/** What lies behind the arena in the module's memory: packed constants, tables, descriptors. Grows while a plan is emitted. */
export class Segment {
  private bytes = new Uint8Array(1 << 16);
  private view = new DataView(this.bytes.buffer);
  private used = 0;
  private readonly known = new Map<string, number>();

  /** `start`: its address in memory, a multiple of 16. */
  constructor(readonly start: number) {}

  get end(): number {
    return this.start + this.used;
  }

  content(): Uint8Array {
    return this.bytes.slice(0, this.used);
  }

  /** Zeroed room; its address. */
  reserve(bytes: number, align = 16): number {
    const at = Math.ceil(this.used / align) * align;
    this.used = at + bytes;
    if (this.used > this.bytes.length) {
      const grown = new Uint8Array(Math.max(this.used, 2 * this.bytes.length));
      grown.set(this.bytes);
      this.bytes = grown;
      this.view = new DataView(grown.buffer);
    }
    return this.start + at;
  }

  put(content: Uint8Array, align = 16): number {
    const address = this.reserve(content.byteLength, align);
    this.bytes.set(content, address - this.start);
    return address;
  }

  putWords(words: ArrayLike<number>): number {
    const address = this.reserve(4 * words.length, 4);
    for (let k = 0; k < words.length; k++) this.view.setInt32(address - this.start + 4 * k, words[k], true);
    return address;
  }

  setWord(address: number, word: number): void {
    this.view.setInt32(address - this.start, word, true);
  }

  /** What `make` puts, once per key. */
  once(key: string, make: () => number): number {
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const address = make();
    this.known.set(key, address);
    return address;
  }
}
