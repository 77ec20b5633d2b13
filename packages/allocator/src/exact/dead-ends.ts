/** Slots that are filled at most: beyond, what is found is no longer remembered. */
const MOST = 1 << 21;

/** States of a search that lead nowhere, by 96 bits of hash in open addressing: with 10⁶ of them a false match has odds of 10⁻¹⁷. */
export class DeadEnds {
  private a = new Int32Array(1024);
  private b = new Int32Array(1024);
  private c = new Int32Array(1024);
  private count = 0;

  has(a: number, b: number, c: number): boolean {
    const mask = this.a.length - 1;
    for (let at = a & mask; this.a[at] !== 0 || this.b[at] !== 0; at = (at + 1) & mask) {
      if (this.a[at] === a && this.b[at] === b && this.c[at] === c) return true;
    }
    return false;
  }

  add(a: number, b: number, c: number): void {
    if (this.count * 2 >= this.a.length) {
      if (this.count >= MOST) return;
      this.grow();
    }
    this.put(a, b, c);
    this.count++;
  }

  private put(a: number, b: number, c: number): void {
    const mask = this.a.length - 1;
    let at = a & mask;
    while (this.a[at] !== 0 || this.b[at] !== 0) at = (at + 1) & mask;
    this.a[at] = a;
    this.b[at] = b;
    this.c[at] = c;
  }

  private grow(): void {
    const { a, b, c } = this;
    const size = 4 * a.length;
    this.a = new Int32Array(size);
    this.b = new Int32Array(size);
    this.c = new Int32Array(size);
    for (let k = 0; k < a.length; k++) if (a[k] !== 0 || b[k] !== 0) this.put(a[k], b[k], c[k]);
  }
}
