/** Binary heap of task numbers, smallest first by `before`. */
export class TaskHeap {
  private readonly items: number[] = [];

  constructor(private readonly before: (a: number, b: number) => boolean) {}

  get size(): number {
    return this.items.length;
  }

  push(item: number): void {
    const { items } = this;
    let k = items.push(item) - 1;
    while (k > 0) {
      const parent = (k - 1) >> 1;
      if (!this.before(item, items[parent])) break;
      items[k] = items[parent];
      k = parent;
    }
    items[k] = item;
  }

  pop(): number {
    const { items } = this;
    const top = items[0];
    const last = items.pop() as number;
    if (items.length === 0) return top;
    let k = 0;
    for (;;) {
      let child = 2 * k + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && this.before(items[child + 1], items[child])) child++;
      if (!this.before(items[child], last)) break;
      items[k] = items[child];
      k = child;
    }
    items[k] = last;
    return top;
  }
}
