/** A network of directed arcs with capacities. Dinic's algorithm (1970): O(nodes² × arcs), far less on shallow networks. */
export class FlowNetwork {
  private readonly first: number[] = [];
  private readonly next: number[] = [];
  private readonly to: number[] = [];
  private readonly left: number[] = [];

  node(): number {
    return this.first.push(-1) - 1;
  }

  arc(from: number, to: number, capacity: number): void {
    this.half(from, to, capacity);
    this.half(to, from, 0);
  }

  private half(from: number, to: number, capacity: number): void {
    this.next.push(this.first[from]);
    this.first[from] = this.to.push(to) - 1;
    this.left.push(capacity);
  }

  /** The most that flows from `source` to `sink`, which is the least that separates them. */
  most(source: number, sink: number): number {
    let total = 0;
    for (let depth = this.depths(source); depth[sink] >= 0; depth = this.depths(source)) {
      const at = Int32Array.from(this.first);
      for (let pushed = 1; pushed > 0; total += pushed) pushed = this.push(source, sink, Number.POSITIVE_INFINITY, depth, at);
    }
    return total;
  }

  /** By node, after `most`: steps from `source` over arcs with capacity left; -1 beyond the cut. */
  depths(source: number): Int32Array {
    const depth = new Int32Array(this.first.length).fill(-1);
    depth[source] = 0;
    const queue = [source];
    for (const node of queue) {
      for (let arc = this.first[node]; arc >= 0; arc = this.next[arc]) {
        const to = this.to[arc];
        if (this.left[arc] <= 0 || depth[to] >= 0) continue;
        depth[to] = depth[node] + 1;
        queue.push(to);
      }
    }
    return depth;
  }

  private push(node: number, sink: number, most: number, depth: Int32Array, at: Int32Array): number {
    if (node === sink) return most;
    for (; at[node] >= 0; at[node] = this.next[at[node]]) {
      const arc = at[node];
      const to = this.to[arc];
      if (this.left[arc] <= 0 || depth[to] !== depth[node] + 1) continue;
      const pushed = this.push(to, sink, Math.min(most, this.left[arc]), depth, at);
      if (pushed <= 0) continue;
      this.left[arc] -= pushed;
      this.left[arc ^ 1] += pushed;
      return pushed;
    }
    return 0;
  }
}
