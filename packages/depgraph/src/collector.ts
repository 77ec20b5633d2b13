import { type Dependences, RAW, WAR, WAW } from '@regrain/core-ir';

/** Of one kind, a slot of shared elements per entry. */
const SLOT = new Map([
  [RAW, 0],
  [WAR, 1],
  [WAW, 2],
]);
const SLOTS = 3;
/** Fewer predecessors than this are sorted by insertion. */
const FEW = 24;

/** Gathers the dependences of one task after the other, each predecessor once, as compressed sparse rows. */
export class Collector {
  /** The task at work. */
  task = 0;
  private readonly row: Int32Array;
  private from: Int32Array;
  private kinds: Uint8Array;
  private shared: Float64Array;
  /** Where the entries of the task at work begin, and end. */
  private start = 0;
  private end = 0;
  /** By task: kinds of the dependence on it of the task at work; 0: none. */
  private readonly bits: Uint8Array;
  private readonly amounts: Float64Array;

  constructor(
    tasks: number,
    private readonly elements: boolean,
  ) {
    this.row = new Int32Array(tasks + 1);
    this.from = new Int32Array(2 * tasks + 16);
    this.kinds = new Uint8Array(this.from.length);
    this.bits = new Uint8Array(tasks);
    this.shared = new Float64Array(elements ? SLOTS * this.from.length : 0);
    this.amounts = new Float64Array(elements ? SLOTS * tasks : 0);
  }

  /** The task at work depends on `from` (itself does not count), through so many elements. */
  note(from: number, kind: number, elements = 0): void {
    if (from === this.task) return;
    if (this.bits[from] === 0) {
      if (this.end === this.from.length) this.grow();
      this.from[this.end++] = from;
    }
    this.bits[from] |= kind;
    if (this.elements) this.amounts[SLOTS * from + (SLOT.get(kind) as number)] += elements;
  }

  /** Goes on to the next task. */
  close(): void {
    this.sort();
    for (let e = this.start; e < this.end; e++) {
      const from = this.from[e];
      this.kinds[e] = this.bits[from];
      this.bits[from] = 0;
      if (!this.elements) continue;
      for (let k = 0; k < SLOTS; k++) {
        this.shared[SLOTS * e + k] = this.amounts[SLOTS * from + k];
        this.amounts[SLOTS * from + k] = 0;
      }
    }
    this.start = this.end;
    this.row[++this.task] = this.end;
  }

  finish(): Dependences {
    const { row, end } = this;
    const packed = { row, from: this.from.slice(0, end), kinds: this.kinds.slice(0, end) };
    return this.elements ? { ...packed, elements: this.shared.slice(0, SLOTS * end) } : packed;
  }

  private sort(): void {
    const { from, start, end } = this;
    if (end - start > FEW) {
      from.subarray(start, end).sort();
      return;
    }
    for (let e = start + 1; e < end; e++) {
      const value = from[e];
      let at = e;
      for (; at > start && from[at - 1] > value; at--) from[at] = from[at - 1];
      from[at] = value;
    }
  }

  private grow(): void {
    const [from, kinds] = [new Int32Array(2 * this.from.length), new Uint8Array(2 * this.from.length)];
    from.set(this.from);
    kinds.set(this.kinds);
    this.from = from;
    this.kinds = kinds;
    if (!this.elements) return;
    const shared = new Float64Array(SLOTS * from.length);
    shared.set(this.shared);
    this.shared = shared;
  }
}
