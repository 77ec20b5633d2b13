/** The greatest of many values that change: a segment tree. */
export class MaxTree {
  private readonly tree: Float64Array;
  private readonly leaves: number;

  constructor(values: Float64Array) {
    this.leaves = 1 << Math.max(0, 32 - Math.clz32(Math.max(1, values.length) - 1));
    this.tree = new Float64Array(2 * this.leaves).fill(Number.NEGATIVE_INFINITY);
    this.tree.set(values, this.leaves);
    for (let k = this.leaves - 1; k > 0; k--) this.tree[k] = Math.max(this.tree[2 * k], this.tree[2 * k + 1]);
  }

  get greatest(): number {
    return this.tree[1];
  }

  /** A position of the greatest value: the first. */
  get at(): number {
    let k = 1;
    while (k < this.leaves) k = this.tree[2 * k] === this.tree[k] ? 2 * k : 2 * k + 1;
    return k - this.leaves;
  }

  set(position: number, value: number): void {
    const { tree } = this;
    let k = position + this.leaves;
    tree[k] = value;
    for (k >>= 1; k > 0; k >>= 1) {
      const most = Math.max(tree[2 * k], tree[2 * k + 1]);
      if (tree[k] === most) return;
      tree[k] = most;
    }
  }
}
